import { type ConditionDecision, decide, findCondition } from '../../api/conditions.ts';
import type { XenHost } from '../../api/generated/xen-host.ts';
import { fencedAnnotation } from '../../api/names.ts';
import type { XenHostConditionType } from '../../api/reasons.ts';
import { explained } from '../annotation-request.ts';
import { closedFor } from './closed.ts';
import { type DrainReport, drainMessage } from './drain-report.ts';
import { fenceRequest } from './fence.ts';

type Decision = ConditionDecision<XenHostConditionType>;

function schedulable(host: XenHost, isReachable: boolean): Decision {
  const closed = closedFor(host, isReachable);
  if (closed === undefined) return decide('Schedulable', 'True', 'Schedulable', 'Stub domains may be placed here.');
  const message = `Nothing more is placed on ${host.metadata.name}, ${closed.clause}.`;
  return decide('Schedulable', 'False', closed.reason, message);
}

function drained(host: XenHost, report: DrainReport | undefined): Decision {
  if (report === undefined) return decide('Drained', 'False', 'NotDraining', 'Nobody asked for an empty host.');
  const asked = explained(host.spec.drain?.reason);
  const why = asked.kind === 'asked' ? ` ("${asked.words}")` : '';
  if (report.remaining > 0) {
    return decide(
      'Drained',
      'False',
      'StubDomainsRemain',
      `The host shall become empty${why}. ${drainMessage(report)}`,
    );
  }
  return decide(
    'Drained',
    'True',
    'Drained',
    `The host shall become empty${why}, and no StubDomain is bound to it. To use it again, remove spec.drain.`,
  );
}

function fenced(host: XenHost, isReachable: boolean): Decision {
  const { name } = host.metadata;
  const request = fenceRequest(host);
  switch (request.kind) {
    case 'none':
      return decide('Fenced', 'False', 'NotFenced', 'Nobody said that the host is dead.');
    case 'unexplained':
      return decide(
        'Fenced',
        'False',
        'FenceUnexplained',
        `The annotation ${fencedAnnotation} gives no reason, and nothing is released. Say how you know that the host is off: kubectl annotate --overwrite xenhost ${name} ${fencedAnnotation}="why".`,
      );
    case 'asked': {
      // It stays fenced when its agent is heard again: what was released is no longer its own.
      const wasFenced = findCondition(host.status?.conditions, 'Fenced')?.status === 'True';
      if (isReachable && !wasFenced) {
        const message = `The Lease of ${name} has not run out, so that the host may be alive, and nothing is released. Switch it off, and see to it that it stays off: it is fenced when its Lease runs out.`;
        return decide('Fenced', 'False', 'FenceRefused', message);
      }
      const message = `An administrator said that ${name} is dead ("${request.words}"). What was bound to it is released, and nothing is placed there. When it is repaired and nothing of the old runs on it (xl list), remove the annotation: kubectl annotate xenhost ${name} ${fencedAnnotation}-.`;
      return decide('Fenced', 'True', 'Fenced', message);
    }
  }
}

/** The conditions of a host that the controller answers for. */
export function hostDecisions(host: XenHost, isReachable: boolean, drain: DrainReport | undefined): Decision[] {
  return [schedulable(host, isReachable), drained(host, drain), fenced(host, isReachable)];
}
