import { type Clock, systemClock } from './clock.ts'
import { BootstrapError } from './errors.ts'

interface Step {
  readonly name: string
  readonly closeWithinMs: number
  readonly release: () => void | Promise<void>
}

/**
 * What has been opened, in order; closed in reverse. Every step gets its deadline, so the whole is over within their
 * sum even if a library never settles, and an error of one step keeps no other from closing.
 */
export class OpenSteps {
  readonly #clock: Clock
  readonly #steps: Step[] = []
  #closed: Promise<void> | undefined

  constructor(clock: Clock = systemClock) {
    this.#clock = clock
  }

  /**
   * Opens a step and notes how to release it.
   *
   * @throws what `open` throws; BootstrapError ERR_START_ABORTED when `signal` has fired before or meanwhile
   */
  async open<T>(
    name: string,
    closeWithinMs: number,
    signal: AbortSignal,
    open: () => T | Promise<T>,
    release: (opened: T) => void | Promise<void>
  ): Promise<T> {
    if (signal.aborted) throw new BootstrapError('ERR_START_ABORTED', {})
    const opened = await open()
    this.#steps.push({ name, closeWithinMs, release: () => release(opened) })
    if (signal.aborted) throw new BootstrapError('ERR_START_ABORTED', {})
    return opened
  }

  /**
   * Closes everything; a second caller awaits the first close.
   *
   * @throws AggregateError of BootstrapErrors, one for each step that failed or took too long
   */
  close(): Promise<void> {
    this.#closed ??= this.#unwind()
    return this.#closed
  }

  async #unwind(): Promise<void> {
    const errors: BootstrapError[] = []
    for (const { name: step, closeWithinMs, release } of this.#steps.splice(0).reverse()) {
      try {
        await this.#within(closeWithinMs, step, release)
      } catch (cause) {
        errors.push(cause instanceof BootstrapError ? cause : new BootstrapError('ERR_CLOSE', { step }, { cause }))
      }
    }
    if (errors.length > 0) {
      throw new AggregateError(errors, errors.map(({ message }) => message).join('; '))
    }
  }

  async #within(deadlineMs: number, step: string, release: () => void | Promise<void>): Promise<void> {
    let cancel = () => {}
    const deadline = new Promise<never>((_resolve, reject) => {
      const late = () => reject(new BootstrapError('ERR_CLOSE_DEADLINE', { step, deadlineMs }))
      cancel = this.#clock.after(deadlineMs, late)
    })
    try {
      await Promise.race([(async () => release())(), deadline])
    } finally {
      cancel()
    }
  }
}
