// What `helm test` runs, in a pod of the operator's image: is what was installed there, and does it work?
import { readFile } from 'node:fs/promises';

const env = process.env;
const account = env.SERVICE_ACCOUNT_DIR ?? '/var/run/secrets/kubernetes.io/serviceaccount';
const server = env.API_SERVER ?? `https://${env.KUBERNETES_SERVICE_HOST}:${env.KUBERNETES_SERVICE_PORT}`;
const namespace = env.NAMESPACE ?? 'stubdom-system';
const authorization = `Bearer ${(await readFile(`${account}/token`, 'utf8')).trim()}`;

async function ask(method, path, body) {
  const response = await fetch(`${server}${path}`, {
    method,
    headers: { authorization, 'content-type': 'application/json' },
    body: body === undefined ? undefined : JSON.stringify(body),
    signal: AbortSignal.timeout(10_000),
  });
  return { code: response.status, body: await response.json() };
}

/** A StubDomain that is never made: the API server says whether it would be. */
function dryRun(spec) {
  const object = {
    apiVersion: 'stubdom.io/v1alpha1',
    kind: 'StubDomain',
    metadata: { name: 'helm-test', namespace },
    spec: { target: { uuid: '00000000-0000-4000-8000-000000000000' }, ...spec },
  };
  return ask('POST', `/apis/stubdom.io/v1alpha1/namespaces/${namespace}/stubdomains?dryRun=All&fieldValidation=Strict`, object);
}

const failures = [];
function check(what, good, advice) {
  console.log(`${good ? 'ok  ' : 'FAIL'} ${what}${good ? '' : `: ${advice}`}`);
  if (!good) failures.push(what);
}

const served = await ask('GET', '/apis/stubdom.io/v1alpha1');
const names = (served.body.resources ?? []).map(({ name }) => name);
for (const name of ['stubdomains', 'pciattachments', 'xenhosts']) {
  check(`${name} are served`, names.includes(name), 'the CustomResourceDefinitions are not installed (value crds.install)');
}

const accepted = await dryRun({});
check('a StubDomain is accepted', accepted.code === 201, accepted.body.message);

if (env.RESTORE_FROM !== undefined) {
  const refused = await dryRun({ restoreFrom: { path: '/helm-test/outside' } });
  check('the policies are in force', refused.code === 403 || refused.code === 422, 'a path that policies.paths.restoreFrom does not allow was accepted');
}

const deployment = await ask('GET', `/apis/apps/v1/namespaces/${namespace}/deployments/${env.CONTROLLER}`);
check('the controller is ready', (deployment.body.status?.readyReplicas ?? 0) > 0, `see: kubectl -n ${namespace} describe deployment ${env.CONTROLLER}`);

if (env.AGENT !== undefined) {
  const { status } = (await ask('GET', `/apis/apps/v1/namespaces/${namespace}/daemonsets/${env.AGENT}`)).body;
  const [ready, desired] = [status?.numberReady ?? 0, status?.desiredNumberScheduled ?? 0];
  check(`${ready} of ${desired} agents are ready`, ready === desired, `see: kubectl -n ${namespace} describe daemonset ${env.AGENT}`);
  if (desired === 0) console.log('note: no node is labelled as a Xen host (agent.nodeSelector)');
}

if (failures.length > 0) {
  console.log(`${failures.length} of the checks failed`);
  process.exitCode = 1;
}
