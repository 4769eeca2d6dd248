import { apiErrorFromStatus, printable } from './errors.ts';
import { createLineSplitter } from './lines.ts';
import { withoutManagedFields } from './managed-fields.ts';
import type { StreamSink } from './transport.ts';
import type { KubeObject, WatchSink } from './types.ts';

/** An object in etcd is at most 1.5 MiB by default; escapes can make it longer on the wire. */
const maxFrameBytes = 16 * 1024 * 1024;

/** The annotation of the bookmark that ends a streamed list (KEP-3157). */
const initialEventsEnd = 'k8s.io/initial-events-end';

type Fields = Readonly<Record<string, unknown>>;
const isFields = (value: unknown): value is Fields => typeof value === 'object' && value !== null;

/** True for what a cache can hold: it has a name, a uid and a version. */
export function isKubeObject(value: unknown): value is KubeObject {
  if (!isFields(value)) return false;
  const metadata = value['metadata'];
  return (
    isFields(metadata) &&
    typeof metadata['name'] === 'string' &&
    typeof metadata['uid'] === 'string' &&
    typeof metadata['resourceVersion'] === 'string'
  );
}

/** Reads a watch's bytes into the sink. `stop` ends the stream below; it is called once, after a line that is refused. */
export function watchStream<T extends KubeObject>(what: string, sink: WatchSink<T>, stop: () => void): StreamSink {
  const lines = createLineSplitter(maxFrameBytes);
  let over = false;
  const finish = (say: () => void) => {
    if (over) return;
    over = true;
    say();
    stop();
  };
  const malformed = (reason: string) => {
    finish(() => {
      sink.malformed(reason);
    });
  };
  const read = (bytes: Buffer) => {
    if (over) return;
    let frame: unknown;
    try {
      frame = JSON.parse(withoutManagedFields(bytes));
    } catch {
      malformed('a line that is not JSON');
      return;
    }
    const type = isFields(frame) ? frame['type'] : undefined;
    const object = isFields(frame) ? frame['object'] : undefined;
    switch (type) {
      case 'ADDED':
      case 'MODIFIED':
      case 'DELETED':
        if (isKubeObject(object)) sink.event(type, object as T);
        else malformed(`an ${type} event without name, uid or version`);
        return;
      case 'BOOKMARK': {
        const metadata = isFields(object) ? object['metadata'] : undefined;
        const version = isFields(metadata) ? metadata['resourceVersion'] : undefined;
        const annotations = isFields(metadata) ? metadata['annotations'] : undefined;
        if (typeof version !== 'string') malformed('a bookmark without a version');
        else sink.bookmark(version, isFields(annotations) && annotations[initialEventsEnd] === 'true');
        return;
      }
      case 'ERROR':
        finish(() => {
          sink.failed(apiErrorFromStatus(500, object, what));
        });
        return;
      default:
        malformed(`an event of type ${printable(JSON.stringify(type ?? null), 40)}`);
    }
  };
  return {
    opened: () => {
      sink.opened();
    },
    data: (chunk) => {
      if (!lines.push(chunk, read)) malformed(`a line of more than ${maxFrameBytes} bytes`);
    },
    ended: () => {
      finish(() => {
        // Half a line is what is left when a proxy cuts: nothing of it was used, so it is an end like any other.
        sink.ended();
      });
    },
    failed: (error) => {
      finish(() => {
        sink.failed(error);
      });
    },
  };
}
