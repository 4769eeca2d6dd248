// A jest sequencer: the files that take longest begin first, so that the end of a run does not wait for one of them. Jest
// itself knows how long each took the last time, but not in a fresh clone.
const { default: Sequencer } = require('@jest/test-sequencer');

/** More than ten seconds each, the longest first. */
const longest = [
  'faults/crash-matrix.test.ts',
  'e2e/real/drills.test.ts',
  'faults/api-server-killed.test.ts',
  'conformance/protocol/protocol-c.real.test.ts',
  'conformance/protocol/protocol-ocaml.real.test.ts',
  'e2e/real/drills-leader.test.ts',
  'conformance/protocol/protocol.test.ts',
  'e2e/up.test.ts',
  'e2e/real/chart/install.test.ts',
  'e2e/real/chart/policies.test.ts',
  'conformance/device-model/device-model.test.ts',
  'e2e/real/host-life.test.ts',
  'conformance/kube/kube.test.ts',
  'e2e/cli.test.ts',
  'e2e/real/kube-apiserver.test.ts',
  'e2e/operator/attach-failures.test.ts',
  'e2e/operator/multi-function.test.ts',
  'properties/agent.test.ts',
  'conformance/xenstore/xenstore-real.test.ts',
  'e2e/cli/leader.test.ts',
];

class LongestFirst extends Sequencer {
  sort(tests) {
    const place = ({ path }) => {
      const index = longest.findIndex((file) => path.endsWith(`/test/${file}`));
      return index === -1 ? longest.length : index;
    };
    return super.sort(tests).sort((a, b) => place(a) - place(b));
  }
}

module.exports = LongestFirst;
module.exports.longest = longest;
