/**
 * Whether the poller's second thread is up: it reads the file of its module to start, which may be forbidden afterwards.
 *
 * @module
 */
import { check } from "../errors.ts";
import { libc } from "../libc.ts";
import { EPOLLIN, type Poller } from "../poller.ts";

/** sys/eventfd.h */
const EFD_CLOEXEC = 0o2000000;

/** Resolves once a descriptor that is ready has been told of, which none but that thread does. */
export async function pollerAnswers(poller: Poller): Promise<void> {
  const ready = check(libc().eventfd(1, EFD_CLOEXEC), "eventfd", "");
  const answer = Promise.withResolvers<void>();
  const handle = poller.add(ready, () => answer.resolve());
  handle.arm(EPOLLIN);
  await answer.promise;
  handle.remove();
  libc().close(ready);
}
