import { timingSafeEqual } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { ApiContext } from '../api-context.ts';
import { ApiStatusError, badRequest, forbidden, methodNotAllowed, noSuchResource } from '../api-status.ts';
import { answerReview, reviewResources } from '../discovery/reviews.ts';
import { answerDiscovery } from '../discovery/answer-discovery.ts';
import { isObject } from '../json.ts';
import { checkPath, handleResource, type ResourceRequest } from '../objects/handle-resource.ts';
import { planWatch, startWatch } from '../objects/watch-stream.ts';
import { includeObjectOf, watchView } from '../objects/view.ts';
import { errorAnswer, jsonAnswer, send, type Answer } from './answer.ts';
import { negotiate } from './negotiation.ts';
import { readObject } from './read-body.ts';
import { parseTarget } from './request-target.ts';
import { watchSink } from './watch-response.ts';

/** The handler of every request. `token` is what clients must carry. */
export function createRequestHandler(
  context: ApiContext,
  token: string,
): (request: IncomingMessage, response: ServerResponse) => void {
  const expected = Buffer.from(`Bearer ${token}`);
  return (request, response) => {
    request.on('error', () => undefined);
    response.on('error', () => undefined);
    const warnings: string[] = [];
    answer(context, expected, request, response, warnings).then(
      (result) => {
        if (result !== 'streaming') send(request, response, result);
      },
      (error: unknown) => {
        if (!(error instanceof ApiStatusError)) {
          context.logger.error('API request failed', {
            error: error instanceof Error ? (error.stack ?? error.message) : 'unknown',
          });
        }
        if (response.headersSent) response.destroy();
        else {
          // What is left of a body that was too large is not read; the connection cannot be used again.
          if (!request.complete) response.setHeader('connection', 'close');
          send(request, response, errorAnswer(error, warnings));
        }
      },
    );
  };
}

async function answer(
  context: ApiContext,
  expected: Buffer,
  request: IncomingMessage,
  response: ServerResponse,
  warnings: string[],
): Promise<Answer | 'streaming'> {
  const { path, query } = splitUrl(request.url ?? '/');
  const health = answerHealth(path);
  if (health !== undefined) return health;
  authenticate(request, expected, path);
  const review = reviewResources.find((item) => path === `/apis/${item.group}/${item.version}/${item.plural}`);
  if (review !== undefined) {
    if (request.method !== 'POST') throw methodNotAllowed();
    const sent = (await readObject(request)).object;
    return jsonAnswer(201, answerReview(review, isObject(sent) ? sent : {}));
  }
  const discovery = answerDiscovery(context, request, path);
  if (discovery !== undefined) {
    if (request.method !== 'GET' && request.method !== 'HEAD') throw methodNotAllowed();
    return discovery;
  }
  const target = parseTarget(path);
  if (target === undefined) return pageNotFound();
  const resource = context.resources.find(target.group, target.version, target.plural);
  if (resource === undefined) {
    if (target.group === '' && target.version === 'v1') throw noSuchResource();
    return pageNotFound();
  }
  // Before anything is written: who cannot read the answer gets nothing done.
  const call = { request, query, target, resource, warnings, form: negotiate(request.headers.accept) };
  // A custom object is not watched under its own name: kube-apiserver answers with the object.
  if (isWatch(request, query) && (target.name === '' || !resource.custom)) {
    checkPath(call);
    await watch(context, response, call);
    return 'streaming';
  }
  return handleResource(context, call);
}

async function watch(context: ApiContext, response: ServerResponse, call: ResourceRequest): Promise<void> {
  const { request, query, target, resource, form } = call;
  const plan = planWatch(context, resource, target.namespace, target.name, query);
  const view = watchView(context, resource, form, includeObjectOf(query));
  await context.store.durable();
  if (request.destroyed || response.destroyed) return;
  const sink = watchSink(response);
  const stop = startWatch(context, plan, sink, view);
  response.on('close', stop);
}

function isWatch(request: IncomingMessage, query: URLSearchParams): boolean {
  const value = query.get('watch');
  return request.method === 'GET' && value !== null && value !== 'false' && value !== '0';
}

function splitUrl(url: string): { path: string; query: URLSearchParams } {
  const at = url.indexOf('?');
  if (url.length > 16_384) throw badRequest('the URL is too long');
  return at < 0
    ? { path: url, query: new URLSearchParams() }
    : { path: url.slice(0, at), query: new URLSearchParams(url.slice(at + 1)) };
}

function answerHealth(path: string): Answer | undefined {
  if (!/^\/(healthz|livez|readyz)(\/|$)/.test(path)) return undefined;
  return { code: 200, body: 'ok', contentType: 'text/plain; charset=utf-8' };
}

function authenticate(request: IncomingMessage, expected: Buffer, path: string): void {
  const header = request.headers.authorization;
  if (header === undefined || header === '') {
    const target = parseTarget(path);
    if (target === undefined) {
      throw new ApiStatusError(403, 'Forbidden', 'forbidden: User "system:anonymous" cannot use this path', {});
    }
    const scope = target.namespace === '' ? 'at the cluster scope' : `in the namespace "${target.namespace}"`;
    const verb =
      request.method === 'GET' ? (target.name === '' ? 'list' : 'get') : (request.method ?? '').toLowerCase();
    throw forbidden(
      { group: target.group, plural: target.plural, kind: '' },
      target.name,
      `User "system:anonymous" cannot ${verb} resource "${target.plural}" in API group "${target.group}" ${scope}`,
    );
  }
  const given = Buffer.from(header);
  if (given.length !== expected.length || !timingSafeEqual(given, expected)) {
    throw new ApiStatusError(401, 'Unauthorized', 'Unauthorized');
  }
}

function pageNotFound(): Answer {
  return { code: 404, body: '404 page not found\n', contentType: 'text/plain; charset=utf-8' };
}
