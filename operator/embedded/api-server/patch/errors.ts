/** A patch that cannot be applied, with the HTTP status that says why. */
export class PatchError extends Error {
  readonly code = 'EPATCH';
  readonly status: 400 | 415 | 422;

  constructor(status: 400 | 415 | 422, message: string) {
    super(message);
    this.name = 'PatchError';
    this.status = status;
  }
}
