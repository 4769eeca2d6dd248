/** One field that somebody else owns with another value. */
export interface ApplyConflict {
  /** The other manager's name. */
  readonly manager: string;
  /** As kube-apiserver prints it: `.spec.disks[name="a"].source`. */
  readonly field: string;
  /** `conflict with "x" using stubdom.io/v1alpha1`. */
  readonly message: string;
}

/** An apply that would change what others own, without `force`. HTTP 409, reason Conflict. */
export class ApplyConflictError extends Error {
  readonly code = 'EAPPLYCONFLICT';
  readonly conflicts: readonly ApplyConflict[];

  constructor(message: string, conflicts: readonly ApplyConflict[]) {
    super(message);
    this.name = 'ApplyConflictError';
    this.conflicts = conflicts;
  }
}

/** An applied object that does not fit its schema so far that ownership cannot be computed. */
export class ApplyObjectError extends Error {
  readonly code = 'EAPPLYOBJECT';
  /** kube-apiserver answers 500 for what the schema does not know, and 400 for managedFields in the body. */
  readonly status: 400 | 500;

  constructor(status: 400 | 500, message: string) {
    super(message);
    this.name = 'ApplyObjectError';
    this.status = status;
  }
}
