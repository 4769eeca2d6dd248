/**
 * The Grafana dashboard, from a description that people can read: rows of panels, each with its expressions. Every replica of
 * the controller serves the cluster's metrics, so that they are taken by `max`.
 */
interface Panel {
  readonly title: string;
  readonly says: string;
  readonly kind: 'stat' | 'timeseries';
  readonly unit: 'short' | 's' | 'percentunit' | 'ops';
  /** Expression by legend. */
  readonly series: Readonly<Record<string, string>>;
  /** Values from which on it is orange, and red. Stats alone. */
  readonly thresholds?: readonly [number, number];
  /** Of 24. */
  readonly width: number;
}

interface Row {
  readonly title: string;
  readonly panels: readonly Panel[];
}

const ours = 'controller=~"stub-domain|pci-attachment|xen-host|stub-domain-agent|host-agent"';
const on = 'instance=~"$instance"';
const stat = (title: string, says: string, expression: string, thresholds?: readonly [number, number]): Panel => ({
  title,
  says,
  kind: 'stat',
  unit: 'short',
  series: { '': expression },
  width: 4,
  ...(thresholds === undefined ? {} : { thresholds }),
});
const graph = (
  title: string,
  says: string,
  unit: Panel['unit'],
  series: Readonly<Record<string, string>>,
  width = 12,
): Panel => ({ title, says, kind: 'timeseries', unit, series, width });
const quantile = (q: number, metric: string, matchers: string, by: string): string =>
  `histogram_quantile(${String(q)}, sum by (le, ${by}) (rate(${metric}_bucket{${matchers}}[$__rate_interval])))`;
const perSecond = (metric: string, matchers: string, by: string): string =>
  `sum by (${by}) (rate(${metric}{${matchers}}[$__rate_interval]))`;

const rows: readonly Row[] = [
  {
    title: 'Fleet',
    panels: [
      stat('Leaders', 'One has to decide.', 'sum(leader_election_master_status{name="stubdom-controller"})'),
      stat('Hosts', 'Whose agents renew their Leases.', 'max(stubdom_hosts{liveness="fresh"})'),
      stat(
        'Hosts away',
        'Runbook StubdomHostAway.',
        'sum(max by (liveness) (stubdom_hosts{liveness=~"expired|missing"}))',
        [1, 1],
      ),
      stat('StubDomains', 'All of the cluster.', 'sum(max by (ready) (stubdom_cluster_objects{kind="StubDomain"}))'),
      stat(
        'PciAttachments',
        'All of the cluster.',
        'sum(max by (ready) (stubdom_cluster_objects{kind="PciAttachment"}))',
      ),
      {
        ...stat('Oldest removal', 'Runbook StubdomRemovalWaiting.', 'max(stubdom_oldest_removal_seconds)', [300, 900]),
        unit: 's',
      },
      graph('StubDomains by Ready', 'Unknown: their host is away, or nobody can say.', 'short', {
        '{{ready}}': 'max by (ready) (stubdom_cluster_objects{kind="StubDomain"})',
      }),
      graph('PciAttachments by Ready', 'False: waiting for a device or a guest, too.', 'short', {
        '{{ready}}': 'max by (ready) (stubdom_cluster_objects{kind="PciAttachment"})',
      }),
      graph(
        'Hosts by Lease and by Ready',
        'Fresh hosts that are not Ready have no XenStore or no hypervisor.',
        'short',
        {
          'Lease {{liveness}}': 'max by (liveness) (stubdom_hosts)',
          'Ready {{ready}}': 'max by (ready) (stubdom_cluster_objects{kind="XenHost"})',
        },
      ),
      graph('Objects of each host that are not Ready', 'As their agents count them.', 'short', {
        '{{instance}} {{kind}}': `sum by (instance, kind) (stubdom_objects{ready!="True",${on}}) > 0`,
      }),
    ],
  },
  {
    title: 'Command channel',
    panels: [
      graph('Until the device model takes a command', 'At 10 s it is withdrawn.', 's', {
        'p50 {{command}}': quantile(0.5, 'stubdom_command_seconds', `phase="consumption",${on}`, 'command'),
        'p99 {{command}}': quantile(0.99, 'stubdom_command_seconds', `phase="consumption",${on}`, 'command'),
      }),
      graph('From there to its end', 'A removal waits for the guest in it.', 's', {
        'p50 {{command}}': quantile(0.5, 'stubdom_command_seconds', `phase="completion",${on}`, 'command'),
        'p99 {{command}}': quantile(0.99, 'stubdom_command_seconds', `phase="completion",${on}`, 'command'),
      }),
      graph('Outcomes', 'NotApplied, Unknown and Gone are failures.', 'ops', {
        '{{command}} {{outcome}}': perSecond('stubdom_command_outcomes_total', on, 'command, outcome'),
      }),
      graph('What should not be', 'Each has a runbook of its own.', 'ops', {
        withdrawn: `sum(rate(stubdom_commands_withdrawn_total{${on}}[$__rate_interval]))`,
        'stale replies': `sum(rate(stubdom_stale_state_repairs_total{${on}}[$__rate_interval]))`,
        'late {{command}}': perSecond('stubdom_late_replies_total', on, 'command'),
        'rejected {{node}}': perSecond('stubdom_rejected_values_total', on, 'node'),
        'forced by {{by}}': perSecond('stubdom_forced_removals_total', on, 'by'),
      }),
    ],
  },
  {
    title: 'Hosts: XenStore',
    panels: [
      graph('Requests and round trips', 'Round trips are what a chain of requests waits for.', 'ops', {
        'requests {{instance}}': perSecond('stubdom_xenstore_requests_total', on, 'instance'),
        'round trips {{instance}}': perSecond('stubdom_xenstore_round_trips_total', on, 'instance'),
      }),
      graph('Events', 'Late ones belong to watches that had ended.', 'ops', {
        '{{instance}}': perSecond('stubdom_xenstore_events_total', on, 'instance'),
        'late {{instance}}': perSecond('stubdom_xenstore_late_events_total', on, 'instance'),
      }),
      graph('Transactions run again', 'Somebody else wrote what was read.', 'ops', {
        '{{instance}}': perSecond('stubdom_xenstore_transaction_conflicts_total', on, 'instance'),
      }),
      graph('Reconnects', 'The daemon died, or let go.', 'short', {
        '{{instance}}': `sum by (instance) (increase(stubdom_xenstore_reconnects_total{${on}}[$__rate_interval]))`,
      }),
    ],
  },
  {
    title: 'Passes and queues',
    panels: [
      graph('Passes', 'By how they ended.', 'ops', {
        '{{controller}} {{result}}': perSecond(
          'controller_runtime_reconcile_total',
          `${ours},${on}`,
          'controller, result',
        ),
      }),
      graph('Length of a pass', 'Over 2 minutes it is told to stop.', 's', {
        'p50 {{controller}}': quantile(0.5, 'controller_runtime_reconcile_time_seconds', `${ours},${on}`, 'controller'),
        'p99 {{controller}}': quantile(
          0.99,
          'controller_runtime_reconcile_time_seconds',
          `${ours},${on}`,
          'controller',
        ),
      }),
      graph('Keys that wait', '', 'short', {
        '{{controller}} {{instance}}': `sum by (controller, instance) (workqueue_depth{${ours},${on}}) > 0`,
      }),
      graph('How long keys wait', '', 's', {
        'p99 {{controller}}': quantile(0.99, 'workqueue_queue_duration_seconds', `${ours},${on}`, 'controller'),
      }),
      graph('Places taken', '1: all are.', 'percentunit', {
        '{{controller}} {{instance}}': `controller_runtime_active_workers{${ours},${on}} / controller_runtime_max_concurrent_reconciles{${ours},${on}}`,
      }),
      graph('What went wrong', 'Passes that threw, were too long, or ended in a mistake of the program.', 'ops', {
        'errors {{controller}}': perSecond('controller_runtime_reconcile_errors_total', `${ours},${on}`, 'controller'),
        'timeouts {{controller}}': perSecond(
          'controller_runtime_reconcile_timeouts_total',
          `${ours},${on}`,
          'controller',
        ),
        'panics {{controller}}': perSecond('controller_runtime_reconcile_panics_total', `${ours},${on}`, 'controller'),
      }),
    ],
  },
  {
    title: 'API server',
    panels: [
      graph('Requests', 'Watches apart. none: no answer.', 'ops', {
        '{{method}} {{kind}} {{status}}': perSecond('kube_client_requests_total', on, 'method, kind, status'),
      }),
      graph('Since the API server was heard last', 'Bookmarks come every minute.', 's', {
        '{{instance}} {{kind}}': `max by (instance, kind) (informer_last_contact_seconds{${on}})`,
      }),
      graph('Lists and failed watches', 'Everything is read again at the start, and when a watch is too old.', 'ops', {
        'list {{kind}} {{reason}}': perSecond('informer_relists_total', on, 'kind, reason'),
        'failed {{kind}}': perSecond('informer_failures_total', on, 'kind'),
      }),
      graph('Events not written, changes missed', 'Both should be 0.', 'ops', {
        'Event {{reason}}': perSecond('event_recorder_dropped_total', on, 'reason'),
        'missed {{kind}}': perSecond('informer_missed_events_total', on, 'kind'),
        'handler {{kind}}': perSecond('informer_handler_failures_total', on, 'kind'),
      }),
    ],
  },
];

const dataSource = { type: 'prometheus', uid: '${datasource}' };
const heights = { stat: 4, timeseries: 8 } as const;

function fieldConfig({ kind, unit, thresholds }: Panel): object {
  const steps =
    thresholds === undefined
      ? [{ color: 'text', value: null }]
      : [
          { color: 'green', value: null },
          { color: 'orange', value: thresholds[0] },
          { color: 'red', value: thresholds[1] },
        ];
  const custom = kind === 'timeseries' ? { custom: { fillOpacity: 10, showPoints: 'never' } } : {};
  return { defaults: { unit, min: 0, thresholds: { mode: 'absolute', steps }, ...custom }, overrides: [] };
}

function panelJson(panel: Panel, id: number, x: number, y: number): object {
  const { title, says, kind, series, width } = panel;
  return {
    id,
    type: kind,
    title,
    ...(says === '' ? {} : { description: says }),
    datasource: dataSource,
    gridPos: { x, y, w: width, h: heights[kind] },
    fieldConfig: fieldConfig(panel),
    options:
      kind === 'stat'
        ? { colorMode: 'value', graphMode: 'area', reduceOptions: { calcs: ['lastNotNull'] } }
        : { tooltip: { mode: 'multi' } },
    targets: Object.entries(series).map(([legendFormat, expr], index) => ({
      refId: String.fromCharCode(65 + index),
      datasource: dataSource,
      expr,
      legendFormat,
    })),
  };
}

function layOut(): object[] {
  const placed: object[] = [];
  let [y, id] = [0, 1];
  for (const { title, panels } of rows) {
    placed.push({ id, type: 'row', title, collapsed: false, panels: [], gridPos: { x: 0, y, w: 24, h: 1 } });
    id += 1;
    y += 1;
    let [x, height] = [0, 0];
    for (const panel of panels) {
      if (x + panel.width > 24) {
        x = 0;
        y += height;
        height = 0;
      }
      placed.push(panelJson(panel, id, x, y));
      id += 1;
      x += panel.width;
      height = Math.max(height, heights[panel.kind]);
    }
    y += height;
  }
  return placed;
}

/** The text of `charts/stubdom-operator/files/dashboard.json`. */
export function dashboard(): string {
  const query = 'label_values(kube_client_requests_total, instance)';
  return `${JSON.stringify(
    {
      title: 'Stubdom Operator',
      uid: 'stubdom-operator',
      description:
        'Xen device-model stub domains: the fleet, the command channel, and the two programs. Generated by npm run generate.',
      tags: ['stubdom', 'xen'],
      schemaVersion: 39,
      editable: true,
      graphTooltip: 1,
      refresh: '1m',
      time: { from: 'now-6h', to: 'now' },
      templating: {
        list: [
          { name: 'datasource', label: 'Prometheus', type: 'datasource', query: 'prometheus' },
          {
            name: 'instance',
            label: 'Program',
            type: 'query',
            datasource: dataSource,
            query: { query, refId: 'instance' },
            definition: query,
            refresh: 2,
            multi: true,
            includeAll: true,
            allValue: '.*',
            current: { text: 'All', value: '$__all' },
          },
        ],
      },
      panels: layOut(),
    },
    null,
    1,
  )}\n`;
}
