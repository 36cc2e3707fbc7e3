import { spawn } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';

/** A child process with all that it starts: paused, weighed and ended together. */
export class ProcessGroup {
  started = performance.now();

  /** @param args and options as for spawn; further ones make a channel for messages */
  constructor(command, args, options = {}) {
    // A process group of its own, so that one signal reaches all of it.
    this.child = spawn(command, args, { ...options, detached: true });
    this.exited = new Promise((resolve, reject) => {
      this.child.once('error', reject);
      this.child.once('exit', (code, signal) => resolve(signal ?? code));
    });
    this.kill = () => this.signal('SIGKILL');
    process.once('exit', this.kill);
  }

  /** Takes it off the cores: idle servers of some kinds spin. */
  pause() {
    this.signal('SIGSTOP');
  }

  resume() {
    this.signal('SIGCONT');
  }

  /** Resident bytes of the child and everything below it, as Linux counts them. */
  get residentBytes() {
    return treeOf(this.child.pid).reduce((sum, pid) => sum + residentBytes(pid), 0);
  }

  async stop() {
    this.resume();
    this.signal('SIGTERM');
    await this.exited;
    process.removeListener('exit', this.kill);
  }

  signal(name) {
    try {
      process.kill(-this.child.pid, name);
    } catch (error) {
      // It ended by itself.
      if (error.code !== 'ESRCH') throw error;
    }
  }
}

function treeOf(root) {
  const parents = readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map((name) => [Number(name), Number(statusOf(name, 'PPid'))]);
  const tree = [root];
  for (const pid of tree) tree.push(...parents.filter(([, parent]) => parent === pid).map(([child]) => child));
  return tree;
}

function residentBytes(pid) {
  return Number(statusOf(pid, 'VmRSS')) * 1024;
}

/** A number of /proc/PID/status; 0 when the process has gone, or is of a kind that has none. */
function statusOf(pid, field) {
  try {
    return new RegExp(`^${field}:\\s+(\\d+)`, 'm').exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1] ?? 0;
  } catch {
    return 0;
  }
}
