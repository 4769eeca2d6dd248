import type { ServerResponse } from 'node:http';
import type { WatchSink } from '../objects/watch-stream.ts';

/** A watcher that leaves this much unread is cut off: it can list and start again. */
const maxUnreadBytes = 64 * 1024 * 1024;

/** Turns a response into the stream of a watch. Frames of one turn of the event loop travel together. */
export function watchSink(response: ServerResponse): WatchSink {
  response.writeHead(200, { 'content-type': 'application/json', 'cache-control': 'no-cache, private' });
  response.flushHeaders();
  response.socket?.setNoDelay(true);
  let corked = false;
  const flush = (): void => {
    if (!corked) return;
    corked = false;
    response.uncork();
  };
  return {
    write: (frame) => {
      if (response.destroyed || response.writableEnded) return;
      if (!corked) {
        corked = true;
        response.cork();
        setImmediate(flush);
      }
      response.write(frame);
      if (response.writableLength > maxUnreadBytes) response.destroy();
    },
    end: () => {
      flush();
      if (!response.writableEnded) response.end();
    },
  };
}
