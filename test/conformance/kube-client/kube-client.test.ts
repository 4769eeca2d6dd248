import { describe } from '@jest/globals';
import { startEmbedded } from './servers.ts';
import { testKubeClient } from './suite.ts';

describe('the client against the embedded API server', () => {
  testKubeClient(startEmbedded);
});
