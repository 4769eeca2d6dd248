import { describe } from '@jest/globals';
import { xenHost } from './host.ts';
import { inXenLab } from './scenario.ts';

const options = { daemon: 'oxenstored', agent: 'unit' } as const;
const scenarios = await inXenLab(options);

describe('a real Xen host with oxenstored', () => {
  xenHost(scenarios, options);
});
