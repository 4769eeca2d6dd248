import { qualifiedResource, type ServedResource } from './served-resource.ts';

/** One cause of a refused request, as kubectl prints it. */
export interface StatusCause {
  readonly reason?: string;
  readonly message: string;
  readonly field?: string;
}

/** `details` of a metav1.Status. */
export interface StatusDetails {
  readonly name?: string;
  readonly group?: string;
  readonly kind?: string;
  readonly uid?: string;
  readonly causes?: readonly StatusCause[];
}

/** A failure that travels to the client as metav1.Status. `code` is the HTTP status. */
export class ApiStatusError extends Error {
  readonly code: number;
  readonly reason: string;
  readonly details: StatusDetails | undefined;

  constructor(code: number, reason: string, message: string, details?: StatusDetails) {
    super(message);
    this.name = 'ApiStatusError';
    this.code = code;
    this.reason = reason;
    this.details = details;
  }

  /** The metav1.Status object. */
  toStatus(): Record<string, unknown> {
    return {
      kind: 'Status',
      apiVersion: 'v1',
      metadata: {},
      status: 'Failure',
      message: this.message,
      ...(this.reason === '' ? {} : { reason: this.reason }),
      ...(this.details === undefined ? {} : { details: this.details }),
      code: this.code,
    };
  }
}

type Named = Pick<ServedResource, 'group' | 'plural' | 'kind'>;

function groupDetails(resource: Named): { group?: string; kind: string } {
  return resource.group === '' ? { kind: resource.plural } : { group: resource.group, kind: resource.plural };
}

/** 404 for an object. */
export function notFound(resource: Named, name: string): ApiStatusError {
  return new ApiStatusError(404, 'NotFound', `${qualifiedResource(resource)} "${name}" not found`, {
    name,
    ...groupDetails(resource),
  });
}

/** 404 for a collection or path that is not served. */
export function noSuchResource(): ApiStatusError {
  return new ApiStatusError(404, 'NotFound', 'the server could not find the requested resource', {});
}

/** 409: the name is taken. */
export function alreadyExists(resource: Named, name: string): ApiStatusError {
  return new ApiStatusError(409, 'AlreadyExists', `${qualifiedResource(resource)} "${name}" already exists`, {
    name,
    ...groupDetails(resource),
  });
}

/** 409: a precondition does not hold. */
export function conflict(resource: Named, name: string, why: string, causes?: readonly StatusCause[]): ApiStatusError {
  return new ApiStatusError(
    409,
    'Conflict',
    `Operation cannot be fulfilled on ${qualifiedResource(resource)} "${name}": ${why}`,
    { name, ...groupDetails(resource), ...(causes === undefined ? {} : { causes }) },
  );
}

/** 409: somebody else changed the object since it was read. */
export function modified(resource: Named, name: string): ApiStatusError {
  return conflict(
    resource,
    name,
    'the object has been modified; please apply your changes to the latest version and try again',
  );
}

/** 403 with the server's usual prefix. */
export function forbidden(resource: Named, name: string, why: string, causes?: readonly StatusCause[]): ApiStatusError {
  const subject = name === '' ? qualifiedResource(resource) : `${qualifiedResource(resource)} "${name}"`;
  return new ApiStatusError(403, 'Forbidden', `${subject} is forbidden: ${why}`, {
    ...(name === '' ? {} : { name }),
    ...groupDetails(resource),
    ...(causes === undefined ? {} : { causes }),
  });
}

/** 422 with one cause per field; `message` of a cause is without the field. */
export function invalid(resource: Named, name: string, causes: readonly StatusCause[]): ApiStatusError {
  const texts = causes.map((cause) =>
    cause.field === undefined || cause.field === '' ? cause.message : `${cause.field}: ${cause.message}`,
  );
  const list = texts.length === 1 ? (texts[0] ?? '') : `[${texts.join(', ')}]`;
  const kind = resource.group === '' ? resource.kind : `${resource.kind}.${resource.group}`;
  return new ApiStatusError(422, 'Invalid', `${kind} "${name}" is invalid: ${list}`, {
    ...(name === '' ? {} : { name }),
    ...(resource.group === '' ? {} : { group: resource.group }),
    kind: resource.kind,
    causes,
  });
}

/** 422 for a query parameter of an options kind (`CreateOptions`, `ListOptions`, …). */
export function invalidOption(kind: string, field: string, reason: string, message: string): ApiStatusError {
  return invalid({ group: 'meta.k8s.io', plural: '', kind }, '', [{ reason, message, field }]);
}

/** 415. */
export function unsupportedMediaType(accepted: readonly string[]): ApiStatusError {
  return new ApiStatusError(
    415,
    'UnsupportedMediaType',
    `the body of the request was in an unknown format - accepted media types include: ${accepted.join(', ')}`,
  );
}

/** 400. */
export function badRequest(message: string): ApiStatusError {
  return new ApiStatusError(400, 'BadRequest', message);
}

/** 405. */
export function methodNotAllowed(): ApiStatusError {
  return new ApiStatusError(
    405,
    'MethodNotAllowed',
    'the server does not allow this method on the requested resource',
    {},
  );
}

/** 410: the resource version is older than what the history holds. `reason` Expired is what reflectors look for. */
export function expired(message: string): ApiStatusError {
  return new ApiStatusError(410, 'Expired', message);
}

/** 500; the message must hold nothing that came from outside. */
export function internalError(message: string): ApiStatusError {
  return new ApiStatusError(500, 'InternalError', `Internal error occurred: ${message}`, {
    causes: [{ message }],
  });
}
