import { describe, test } from '@jest/globals';
import { setUpRealKubeApiserver } from '../../support/real-kube-apiserver.ts';
import { startReal } from './servers.ts';
import { testKubeClient } from './suite.ts';

const setup = await setUpRealKubeApiserver();

describe('the client against a real kube-apiserver', () => {
  if (setup.available) testKubeClient(startReal);
  else test.skip(setup.reason, () => {});
});
