import { describe } from '@jest/globals';
import { xenHost } from './host.ts';
import { inXenLab } from './scenario.ts';

const scenarios = await inXenLab('oxenstored');

describe('a real Xen host with oxenstored', () => {
  xenHost(scenarios, 'oxenstored');
});
