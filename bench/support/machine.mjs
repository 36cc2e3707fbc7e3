import { cpus, loadavg, release, totalmem, type } from 'node:os';
import { measureBandwidth } from './bandwidth.mjs';

/** What the numbers were measured on. */
export async function describeMachine() {
  return {
    cpu: cpus()[0].model.trim(),
    cores: cpus().length,
    memoryBytes: totalmem(),
    node: process.version,
    os: `${type()} ${release()}`,
    loadBefore: loadavg()[0],
    bandwidth: await measureBandwidth(),
  };
}

export function machineLine({ cpu, cores, memoryBytes, node, os, loadBefore, bandwidth }) {
  const memory = `${Math.round(memoryBytes / 2 ** 30)} GiB read at ${(bandwidth / 1e9).toFixed(1)} GB/s`;
  // Anything but 0 was the work of others, who may still be at it.
  const load = `load of the minute before: ${loadBefore.toFixed(2)}`;
  return `${cpu}, ${cores} cores, ${memory}, Node ${node}, ${os}; ${load}`;
}
