/** One line on what an engine has loaded. */
export function describeEngine({ id, architecture, parameters, dtype, threads, slots, contextLength }) {
  const size = `${(parameters / 1e6).toFixed(0)} M parameters`;
  return `${id} (${architecture}, ${size}), computes in ${dtype} with ${threads} threads, ${slots} slots of ${contextLength} tokens`;
}
