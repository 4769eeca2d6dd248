import { childObject } from '../json.ts';
import type { JsonObject } from '../served-resource.ts';

/** A kind that is asked and answered, never stored. */
export interface ReviewResource {
  readonly group: string;
  readonly version: string;
  readonly plural: string;
  readonly kind: string;
}

/** The reviews that `kubectl auth` uses. There is one user, who may do everything. */
export const reviewResources: readonly ReviewResource[] = [
  { group: 'authentication.k8s.io', version: 'v1', plural: 'selfsubjectreviews', kind: 'SelfSubjectReview' },
  { group: 'authorization.k8s.io', version: 'v1', plural: 'selfsubjectaccessreviews', kind: 'SelfSubjectAccessReview' },
  { group: 'authorization.k8s.io', version: 'v1', plural: 'selfsubjectrulesreviews', kind: 'SelfSubjectRulesReview' },
];

/** The user that the token of the kubeconfig stands for. */
export const userName = 'stubdom-admin';

/** Answers a review. */
export function answerReview(review: ReviewResource, sent: JsonObject): JsonObject {
  const head = { kind: review.kind, apiVersion: `${review.group}/${review.version}`, metadata: {} };
  switch (review.plural) {
    case 'selfsubjectreviews':
      return {
        ...head,
        status: { userInfo: { username: userName, groups: ['system:masters', 'system:authenticated'] } },
      };
    case 'selfsubjectrulesreviews':
      return {
        ...head,
        spec: {},
        status: {
          resourceRules: [{ verbs: ['*'], apiGroups: ['*'], resources: ['*'] }],
          nonResourceRules: [{ verbs: ['*'], nonResourceURLs: ['*'] }],
          incomplete: false,
        },
      };
    default:
      return { ...head, spec: childObject(sent, 'spec') ?? {}, status: { allowed: true } };
  }
}
