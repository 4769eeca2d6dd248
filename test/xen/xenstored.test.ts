import { describe } from '@jest/globals';
import { xenHost } from './host.ts';
import { inXenLab } from './scenario.ts';

const options = { daemon: 'xenstored', agent: 'process' } as const;
const scenarios = await inXenLab(options);

describe('a real Xen host with C xenstored', () => {
  xenHost(scenarios, options);
});
