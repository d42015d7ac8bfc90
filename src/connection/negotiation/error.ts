/** Why a negotiation has failed; each is counted under its name. */
export type MultistreamProblem =
  | 'line-too-long'
  | 'not-a-line'
  | 'no-multistream'
  | 'too-many-proposals'
  | 'not-supported'

export class MultistreamError extends Error {
  override readonly name = 'MultistreamError'

  constructor(readonly reason: MultistreamProblem) {
    super(`protocol negotiation failed: ${reason}`)
  }
}
