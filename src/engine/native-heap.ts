import koffi from 'koffi';

/** Gives back free memory, keeping so many bytes at the top of the heap. */
type Trim = (keep: number) => number;

/** Found once: koffi never frees the type that a function has. */
let trim: Trim | undefined;

/**
 * Gives memory that was freed back to the operating system. glibc keeps it for each thread that ever allocated, and a
 * model is loaded by a thread of its own: without this, a process that loads a model several times grows each time.
 * Does nothing where the C library has no such function.
 */
export function releaseFreeMemory(): void {
  trim ??= findTrim();
  trim(0);
}

function findTrim(): Trim {
  try {
    if (process.platform === 'linux') return koffi.load(null).func('malloc_trim', 'int', ['size_t']) as Trim;
  } catch {
    // Not glibc.
  }
  return () => 0;
}
