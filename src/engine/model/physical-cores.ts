import { readFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';

/**
 * Cores that do not share their arithmetic units with another, as far as this process may use them. Two threads on one
 * such core slow each other down.
 */
export function physicalCores(): number {
  return Math.max(1, Math.min(availableParallelism(), countCores() ?? Infinity, cgroupCores() ?? Infinity));
}

/** From Linux's /proc/cpuinfo; undefined elsewhere, or where it does not tell. */
function countCores(): number | undefined {
  const text = readIfThere('/proc/cpuinfo') ?? '';
  const ids = text.split('\n\n').flatMap((cpu) => {
    const [physical, core] = ['physical id', 'core id'].map(
      (key) => new RegExp(`^${key}\\s*: (\\d+)$`, 'm').exec(cpu)?.[1],
    );
    return core === undefined ? [] : [`${physical}/${core}`];
  });
  return ids.length > 0 ? new Set(ids).size : undefined;
}

/** The CPU limit of a container (cgroup v2), in whole cores. */
function cgroupCores(): number | undefined {
  const [quota, period] = (readIfThere('/sys/fs/cgroup/cpu.max') ?? 'max').trim().split(' ').map(Number);
  return Number.isFinite(quota) && period > 0 ? Math.ceil(quota / period) : undefined;
}

function readIfThere(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return undefined;
  }
}
