import type { CheckReport } from './steps.ts'

/** A line for each step. */
export function stepLines({ address, steps, notes }: CheckReport): string {
  const width = Math.max(0, ...steps.map(({ step }) => step.length))
  const lines = steps.map(
    ({ step, ok, ms, detail }) => `${ok ? '✓' : '✗'} ${step.padEnd(width)} ${ms.toFixed(1).padStart(7)} ms  ${detail}`
  )
  return `${[`Checking ${address}`, ...lines, ...notes.map((note) => `! ${note}`)].join('\n')}\n`
}

/** The last line: `OK: …` or `FAILED: …`, and what to do. */
export function verdict({ peerId, steps, failure, ms }: CheckReport): string {
  if (failure !== undefined) return `FAILED: ${failure.problem}\n${failure.advice}\n`
  const security = steps.find(({ step }) => step === 'security')?.detail.split(/[,;]/)[0]
  return `OK: ${peerId} answered FIND_NODE, ADD_PROVIDER and GET_PROVIDERS over ${security} in ${Math.round(ms)} ms\n`
}

/** One object, with times in ms. */
export function checkJson({ failure, ms, steps, ...report }: CheckReport): string {
  const rounded = steps.map((step) => ({ ...step, ms: round(step.ms) }))
  return `${JSON.stringify({ ...report, ms: round(ms), steps: rounded, ...failure }, null, 2)}\n`
}

function round(ms: number): number {
  return Math.round(ms * 10) / 10
}
