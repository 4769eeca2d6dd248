import type { IncomingMessage } from 'node:http';
import { createHash } from 'node:crypto';
import type { ApiContext } from '../api-context.ts';
import { jsonAnswer, taggedAnswer, type Answer } from '../http/answer.ts';
import { firstAccepted, wantsAggregatedDiscovery } from '../http/negotiation.ts';
import { toJson } from '../json.ts';
import { openApiProtobuf } from '../schema/openapi-protobuf.ts';
import { openApiV2, openApiV3 } from '../schema/openapi.ts';
import { groupVersionOf } from '../served-resource.ts';
import { aggregated, aggregatedType, coreVersions, groupList, resourceList, singleGroup } from './discovery.ts';

/** Answers what is about the API itself: discovery, version, OpenAPI. Undefined for any other path. */
export function answerDiscovery(context: ApiContext, request: IncomingMessage, rawPath: string): Answer | undefined {
  const path = rawPath.length > 1 ? rawPath.replace(/\/$/, '') : rawPath;
  const resources = context.resources.list();
  switch (path) {
    case '/':
      return jsonAnswer(200, {
        paths: ['/api', '/api/v1', '/apis', '/healthz', '/openapi/v2', '/openapi/v3', '/version'],
      });
    case '/version':
      return jsonAnswer(200, versionInfo(context.version));
    case '/api':
    case '/apis': {
      const core = path === '/api';
      if (wantsAggregatedDiscovery(request.headers.accept)) {
        return taggedAnswer(request, toJson(aggregated(core, resources)), aggregatedType);
      }
      return jsonAnswer(200, core ? coreVersions(request.headers.host ?? '') : groupList(resources));
    }
    case '/openapi/v2':
      return answerOpenApiV2(context, request);
    case '/openapi/v3':
      return jsonAnswer(200, openApiIndex(context));
  }
  if (path.startsWith('/openapi/v3/')) return answerOpenApiV3(context, request, path.slice('/openapi/v3/'.length));
  const parts = path.split('/').slice(1);
  const found =
    parts[0] === 'api' && parts.length === 2
      ? resourceList(parts[1] ?? '', resources)
      : parts[0] === 'apis' && parts.length === 2
        ? singleGroup(parts[1] ?? '', resources)
        : parts[0] === 'apis' && parts.length === 3
          ? resourceList(`${parts[1] ?? ''}/${parts[2] ?? ''}`, resources)
          : undefined;
  return found === undefined ? undefined : jsonAnswer(200, found);
}

/** The types under which kube-openapi serves version 2; answers in protobuf always carry the second one's name. */
const openApiV2Types = {
  'application/json': 'json',
  'application/com.github.proto-openapi.spec.v2@v1.0+protobuf': 'protobuf',
  'application/com.github.proto-openapi.spec.v2.v1.0+protobuf': 'protobuf',
  '*/*': 'json',
  'application/*': 'json',
} as const;

function answerOpenApiV2(context: ApiContext, request: IncomingMessage): Answer {
  switch (firstAccepted(request.headers.accept, openApiV2Types)) {
    case 'json':
      return taggedAnswer(request, toJson(openApiV2(context.resources.list())));
    case 'protobuf':
      return taggedAnswer(
        request,
        openApiProtobuf(openApiV2(context.resources.list())),
        'application/com.github.proto-openapi.spec.v2.v1.0+protobuf',
      );
    case undefined:
      return { code: 406, body: '', headers: { vary: 'Accept' } };
  }
}

function answerOpenApiV3(context: ApiContext, request: IncomingMessage, path: string): Answer | undefined {
  const groupVersion = path.replace(/^apis?\//, '');
  const resources = context.resources.inGroupVersion(groupVersion);
  const [first] = resources;
  if (first === undefined) return undefined;
  return taggedAnswer(request, toJson(openApiV3({ group: first.group, version: first.version }, resources)));
}

function openApiIndex(context: ApiContext): Record<string, unknown> {
  const paths: Record<string, unknown> = {};
  for (const groupVersion of new Set(context.resources.list().map(groupVersionOf))) {
    const served = context.resources.inGroupVersion(groupVersion);
    const path = groupVersion.includes('/') ? `apis/${groupVersion}` : `api/${groupVersion}`;
    const hash = createHash('sha256').update(toJson(served)).digest('hex').toUpperCase();
    paths[path] = { serverRelativeURL: `/openapi/v3/${path}?hash=${hash}` };
  }
  return { paths };
}

function versionInfo(version: string): Record<string, string> {
  const [major = '1', minor = '36'] = version.replace(/^v/, '').split('.');
  return {
    major,
    minor,
    gitVersion: version,
    gitCommit: 'embedded',
    gitTreeState: 'clean',
    buildDate: '2026-01-01T00:00:00Z',
    goVersion: 'none',
    compiler: 'none',
    platform: `${process.platform}/${process.arch}`,
  };
}
