export const OUTCOMES = ['completed', 'failed', 'cancelled'] as const;

/** How a request ended. */
export type Outcome = (typeof OUTCOMES)[number];

/** Why a request was turned away. */
export type Rejection = 'queue_size' | 'queue_tokens' | 'draining';

/** What became of every request: those accepted have ended, by how they did, or are still open. */
export class Ledger {
  accepted = 0;
  readonly ended: Record<Outcome, number> = { completed: 0, failed: 0, cancelled: 0 };
  readonly rejected: Record<Rejection, number> = { queue_size: 0, queue_tokens: 0, draining: 0 };
}

/** At every moment, `accepted` is the sum of `completed`, `failed`, `cancelled` and `running`: nothing is lost. */
export interface LedgerCounts extends Readonly<Record<Outcome, number>> {
  readonly accepted: number;
  /** Waiting or worked on. */
  readonly running: number;
  readonly rejected: Readonly<Record<Rejection, number>>;
}
