import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

let collect: (() => void) | undefined;

/**
 * Collects all garbage of this thread. A load leaves tens of megabytes of it, such as the text of files, and V8 would
 * come to it only when memory gets short, or after a while. Blocks for some 20 ms.
 */
export function collectGarbage(): void {
  collect ??= exposed();
  collect();
}

/** The collector that `--expose-gc` shows to contexts that are made after it. */
function exposed(): () => void {
  setFlagsFromString('--expose-gc');
  return runInNewContext('gc') as () => void;
}
