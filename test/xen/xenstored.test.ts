import { describe } from '@jest/globals';
import { xenHost } from './host.ts';
import { inXenLab } from './scenario.ts';

const scenarios = await inXenLab('xenstored');

describe('a real Xen host with C xenstored', () => {
  xenHost(scenarios, 'xenstored');
});
