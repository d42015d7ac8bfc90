import type { HistoryReport, StatusReport } from '../report.ts'
import { byId, setText } from './dom.ts'
import { Plots } from './plots.ts'
import { show, showSilence } from './view.ts'

const everyMs = 5_000
/** A node that takes longer does not answer its clients either. */
const answerWithinMs = 10_000
/** As often as the node has a new point. */
const historyEveryMs = { fine: 10_000, coarse: 60_000 }

const plots = new Plots()
const timeOfDay = new Intl.DateTimeFormat('en-GB', { timeStyle: 'medium' })
let hours = 1
let lastAnswer: Date | undefined
let historyAtMs = Number.NEGATIVE_INFINITY
let timer: ReturnType<typeof setTimeout> | undefined

async function read<T>(path: string): Promise<T> {
  const answer = await fetch(path, { signal: AbortSignal.timeout(answerWithinMs) })
  if (!answer.ok) throw new Error(`${path} was answered with ${answer.status}`)
  return (await answer.json()) as T
}

async function refresh(): Promise<void> {
  clearTimeout(timer)
  try {
    show(await read<StatusReport>('status.json'))
    const nowMs = performance.now()
    if (nowMs - historyAtMs >= (hours === 1 ? historyEveryMs.fine : historyEveryMs.coarse) - everyMs / 2) {
      historyAtMs = nowMs
      const asked = hours
      const history = await read<HistoryReport>(`history.json?hours=${asked}`)
      if (asked === hours) plots.show(history)
    }
    lastAnswer = new Date()
    setText(byId('updated'), `as of ${timeOfDay.format(lastAnswer)}`)
    setSilent(undefined)
  } catch {
    showSilence()
    const since = lastAnswer === undefined ? '' : ` All below is as of ${timeOfDay.format(lastAnswer)}.`
    setSilent(`The node does not answer any more.${since} See whether its process runs; this page goes on trying.`)
  }
  clearTimeout(timer)
  if (!document.hidden) timer = setTimeout(() => void refresh(), everyMs)
}

function setSilent(text: string | undefined): void {
  const box = byId('silence')
  document.body.classList.toggle('silent', text !== undefined)
  box.hidden = text === undefined
  setText(box, text ?? '')
}

for (const button of document.querySelectorAll<HTMLButtonElement>('[data-hours]')) {
  button.addEventListener('click', () => {
    hours = Number(button.dataset.hours)
    for (const other of document.querySelectorAll('[data-hours]')) {
      other.setAttribute('aria-pressed', String(other === button))
    }
    historyAtMs = Number.NEGATIVE_INFINITY
    void refresh()
  })
}
document.addEventListener('visibilitychange', () => {
  if (!document.hidden) void refresh()
})
void refresh()
