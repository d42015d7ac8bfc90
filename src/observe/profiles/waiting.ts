import type { CreationWindow } from './creation-window.ts'
import { activeResources, activeTimers, type Resource } from './resources.ts'

/** Lines that an answer may have: about 2 MB of text. */
const MAX_ENTRIES = 10_000
/** Sockets described for a grouped list: 100,000 take about 100 ms. */
const MAX_DESCRIBED = 100_000

const NOTE = `# Node.js has no goroutines: this is what its event loop waits on (handles, requests, timers).
# A promise that nobody settles is not in it; what it waits for is.
`

/** `debug=1`: grouped by kind and origin, most first, in the manner of Go's text. */
export function waitingGrouped(max = MAX_DESCRIBED): string {
  const { resources, total } = activeResources(max)
  const timers = activeTimers()
  const groups = new Map<string, number>()
  for (const { kind, origin } of [...resources, ...timers]) {
    const group = `${kind}: ${origin}`
    groups.set(group, (groups.get(group) ?? 0) + 1)
  }
  const sorted = [...groups].sort(([a, m], [b, n]) => n - m || (a < b ? -1 : 1))
  const lines = sorted.slice(0, MAX_ENTRIES).map(([group, count]) => `${count} @ ${group}`)
  const leftOut = total - resources.length
  return [heading(total + timers.length), ...lines, ...omission(leftOut), ''].join('\n')
}

/** `debug=2`: one entry each. */
export function waitingInFull(max = MAX_ENTRIES): string {
  const { resources, total } = activeResources(max)
  const timers = activeTimers()
  const shown = [...resources, ...timers].slice(0, max)
  const entries = shown.map((resource, index) => entry(index + 1, resource))
  return [heading(total + timers.length), ...entries, ...omission(total + timers.length - shown.length), ''].join('\n')
}

/** `debug=2&seconds=N`: who made what was created in the window and still lives, equal stacks together. */
export function waitingSince({ alive, leftOut }: CreationWindow, seconds: number, max = MAX_ENTRIES): string {
  const groups = new Map<string, number>()
  for (const { kind, stack } of alive) {
    const group = `${kind}, created\n${indent(stack === '' ? 'outside JavaScript' : stack)}`
    groups.set(group, (groups.get(group) ?? 0) + 1)
  }
  const sorted = [...groups].sort(([, m], [, n]) => n - m)
  const title = `# created within ${seconds} s and still alive: ${alive.length}`
  const omitted = leftOut + sorted.slice(max).reduce((sum, [, count]) => sum + count, 0)
  return [
    title,
    '',
    ...sorted.slice(0, max).map(([group, count]) => `${count} × ${group}\n`),
    ...omission(omitted),
    ''
  ].join('\n')
}

function heading(total: number): string {
  return `goroutine profile: total ${total}\n${NOTE}`
}

function entry(number: number, { kind, origin, detail }: Resource): string {
  const lines = [`${number} [${kind}]: ${origin}`, ...(detail === '' ? [] : [indent(detail)])]
  return `${lines.join('\n')}\n`
}

function indent(text: string): string {
  return text.replaceAll(/^/gm, '    ')
}

function omission(leftOut: number): string[] {
  return leftOut > 0 ? [`# ${leftOut} more are left out`] : []
}
