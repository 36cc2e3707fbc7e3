import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

let collect: (() => void) | undefined;

/**
 * Collects all garbage of this thread, and moves together what is left. A load leaves tens of megabytes of it, such as the
 * text of files, between what it keeps, and V8 would come to it only when memory gets short, or after a while. Blocks for
 * some 50 ms.
 */
export function collectGarbage(): void {
  collect ??= exposed();
  // Else pages with a little in them stay as they are. Of the process, but all that it changes elsewhere is one collection.
  setFlagsFromString('--compact-on-every-full-gc');
  try {
    collect();
  } finally {
    setFlagsFromString('--no-compact-on-every-full-gc');
  }
}

/** The collector that `--expose-gc` shows to contexts that are made after it. */
function exposed(): () => void {
  setFlagsFromString('--expose-gc');
  return runInNewContext('gc') as () => void;
}
