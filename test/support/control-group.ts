import { mkdtempSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

interface Hierarchy {
  readonly root: string;
  /** The file that says how much memory there is. */
  readonly limit: string;
  /** The same with swap, or swap alone; not there where the kernel counts none. */
  readonly swap: { readonly file: string; readonly valueFor: (limit: number) => number };
  /** Where a group has to say that its children may be limited. */
  readonly subtree?: string;
}

const HIERARCHIES: readonly Hierarchy[] = [
  {
    root: '/sys/fs/cgroup/memory',
    limit: 'memory.limit_in_bytes',
    swap: { file: 'memory.memsw.limit_in_bytes', valueFor: (limit) => limit },
  },
  {
    root: '/sys/fs/cgroup',
    limit: 'memory.max',
    swap: { file: 'memory.swap.max', valueFor: () => 0 },
    subtree: 'cgroup.subtree_control',
  },
];

/** A control group of the kernel's, v1 or v2, with a limit of memory, as a container has one. */
export class ControlGroup {
  private constructor(private readonly folder: string) {}

  /**
   * @param bytes what its processes may have together, without swap
   * @throws why there can be none: that takes Linux, root, and a hierarchy that may be written to
   */
  static create(bytes: number): ControlGroup {
    const reasons: string[] = [];
    for (const hierarchy of HIERARCHIES) {
      try {
        return this.createIn(hierarchy, bytes);
      } catch (error) {
        reasons.push((error as Error).message);
      }
    }
    throw new Error(reasons.join('; '));
  }

  private static createIn({ root, limit, swap, subtree }: Hierarchy, bytes: number): ControlGroup {
    if (subtree !== undefined) writeTo(join(root, subtree), '+memory');
    const group = new ControlGroup(mkdtempSync(join(root, 'roost-test-')));
    try {
      writeTo(join(group.folder, limit), bytes);
    } catch (error) {
      group.remove();
      throw error;
    }
    try {
      writeTo(join(group.folder, swap.file), swap.valueFor(bytes));
    } catch {
      // The kernel counts no swap.
    }
    return group;
  }

  /** What to start a command with so that it runs in here from its first page on. */
  get enter(): readonly string[] {
    return ['sh', '-c', 'echo $$ > "$0" && exec "$@"', join(this.folder, 'cgroup.procs')];
  }

  /** Ends what still runs in here, too. */
  remove(): void {
    for (;;) {
      const pids = readFileSync(join(this.folder, 'cgroup.procs'), 'utf8').split('\n').filter(Boolean);
      if (pids.length === 0) break;
      for (const pid of pids) process.kill(Number(pid), 'SIGKILL');
    }
    rmdirSync(this.folder);
  }
}

/** Where another file system is mounted, a file that is not there is not to be made. */
function writeTo(file: string, value: string | number): void {
  writeFileSync(file, String(value), { flag: 'r+' });
}
