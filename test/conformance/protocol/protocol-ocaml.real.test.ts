import { describeProtocolOn } from './real-suite.ts';

describeProtocolOn({ flavor: 'ocaml', version: '4.17' });
