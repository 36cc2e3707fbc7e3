import koffi from 'koffi';

/**
 * Gives memory that was freed back to the operating system. glibc keeps it for each thread that ever allocated, and a
 * model is loaded by a thread of its own: without this, a process that loads a model several times grows each time.
 * Does nothing where the C library has no such function.
 */
export function releaseFreeMemory(): void {
  if (process.platform !== 'linux') return;
  try {
    const trim = koffi.load(null).func('malloc_trim', 'int', ['size_t']) as unknown as (keep: number) => number;
    trim(0);
  } catch {
    // Not glibc.
  }
}
