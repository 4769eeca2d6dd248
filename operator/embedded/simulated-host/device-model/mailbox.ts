/**
 * Runs jobs one after another, as a single-threaded program does. A job that throws goes to `onError`; nothing runs
 * after `close`.
 */
export interface Mailbox {
  post(job: () => Promise<void>): void;
  close(): void;
}

export function createMailbox(onError: (error: unknown) => void): Mailbox {
  const jobs: (() => Promise<void>)[] = [];
  let busy = false;
  let closed = false;

  const drain = async (): Promise<void> => {
    busy = true;
    for (let job = jobs.shift(); job !== undefined; job = jobs.shift()) {
      try {
        await job();
      } catch (error) {
        onError(error);
      }
    }
    busy = false;
  };

  return {
    post: (job) => {
      if (closed) return;
      jobs.push(job);
      if (!busy) void drain();
    },
    close: () => {
      closed = true;
      jobs.length = 0;
    },
  };
}
