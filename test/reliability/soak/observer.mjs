import { readdirSync, readFileSync, readlinkSync } from 'node:fs';

/** Looks at a process, and at what it says of itself. */
export class Observer {
  /** Looks at which the ledger did not add up. */
  faults = [];

  constructor(pid, http) {
    Object.assign(this, { pid, http });
    this.begin();
  }

  /** What was seen before is not part of the run. */
  begin() {
    this.samples = [];
    this.began = performance.now();
  }

  async look() {
    const { text } = await this.http.text('/metrics');
    const ledger = ledgerOf(text);
    const { accepted, completed, failed, cancelled, open } = ledger;
    if (accepted !== completed + failed + cancelled + open) this.faults.push(JSON.stringify(ledger));
    const minutes = (performance.now() - this.began) / 60_000;
    const sample = { minutes, ...holdingsOf(this.pid), ...requestsOf(text), ledger };
    this.samples.push(sample);
    return sample;
  }
}

/** What a process holds, by Linux. */
function holdingsOf(pid) {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8');
  const number = (name) => Number(new RegExp(`^${name}:\\s+(\\d+)`, 'm').exec(status)[1]);
  const descriptors = readdirSync(`/proc/${pid}/fd`).flatMap((fd) => linkOf(`/proc/${pid}/fd/${fd}`) ?? []);
  return {
    residentMB: (number('VmRSS') * 1024) / 1e6,
    threads: number('Threads'),
    descriptors: descriptors.length,
    sockets: descriptors.filter((target) => target.startsWith('socket:')).length,
  };
}

/** A descriptor may be closed while it is looked at. */
function linkOf(path) {
  try {
    return readlinkSync(path);
  } catch {
    return undefined;
  }
}

function requestsOf(text) {
  return { running: valueOf(text, 'vllm:num_requests_running'), waiting: valueOf(text, 'vllm:num_requests_waiting') };
}

function ledgerOf(text) {
  const ended = (outcome) => valueOf(text, 'roost_admission_ended_total', `outcome="${outcome}"`);
  return {
    accepted: valueOf(text, 'roost_admission_accepted_total'),
    completed: ended('completed'),
    failed: ended('failed'),
    cancelled: ended('cancelled'),
    open: valueOf(text, 'roost_admission_open'),
  };
}

/** The value of a metric, or of its sample with a label. */
function valueOf(text, name, label = '') {
  const sample = text.split('\n').find((line) => line.startsWith(name) && line.includes(label));
  if (sample === undefined) throw new Error(`the server says nothing of ${name}`);
  return Number(sample.slice(sample.lastIndexOf(' ') + 1));
}
