import { describeProtocolOn } from './real-suite.ts';

describeProtocolOn({ flavor: 'c', version: '4.20' });
