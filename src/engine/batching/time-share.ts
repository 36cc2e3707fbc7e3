/**
 * Two kinds of work that take turns so that each gets half of the time while there is something to do for both. Has no
 * clock: it is told how long a turn took.
 */
export class TimeShare {
  /** Milliseconds that the first kind has had more than the second; positive means that the second is owed time. */
  private lead = 0;
  private turn: { readonly first: boolean; readonly contended: boolean; readonly weight: number } | undefined;

  /**
   * Whether the next turn is the first kind's, of which at least one has something to do; a tie is.
   *
   * @param weight how many times as much as the second kind the first is to have from now on
   * @param ahead milliseconds that the first may be in the lead and still have this turn
   */
  next(first: boolean, second: boolean, weight = 1, ahead = 0): boolean {
    const contended = first && second;
    this.turn = { first: contended ? this.lead <= ahead : first, contended, weight };
    return this.turn.first;
  }

  /** @param elapsed milliseconds that the turn took */
  spent(elapsed: number): void {
    if (!this.turn) return;
    const { first, contended, weight } = this.turn;
    const lead = this.lead + (first ? elapsed / weight : -elapsed);
    // Time that nobody else wanted pays back what is owed, but makes no debt.
    this.lead = contended
      ? lead
      : first
        ? Math.min(lead, Math.max(this.lead, 0))
        : Math.max(lead, Math.min(this.lead, 0));
    this.turn = undefined;
  }
}
