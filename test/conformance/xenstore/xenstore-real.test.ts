import { setUpRealXenstored } from '../../support/real-xenstored.ts';
import { daemonNames } from './daemons.ts';
import { describeDaemon } from './suite.ts';

const { available } = await setUpRealXenstored();

for (const name of daemonNames) if (name !== 'embedded') describeDaemon(name, available);
