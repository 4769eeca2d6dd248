import { describe } from '@jest/globals';
import { setUpRealXenstored } from '../../support/real-xenstored.ts';
import { hostScenarios } from './host-scenarios.ts';
import { deviceModelScenarios } from './scenarios.ts';

describe('device model on the embedded daemon', () => {
  deviceModelScenarios('embedded');
  hostScenarios('embedded');
});

const real = await setUpRealXenstored();

(real.available ? describe : describe.skip)('device model on a guest ring of C xenstored 4.17', () => {
  deviceModelScenarios('c-4.17');
  hostScenarios('c-4.17');
});
