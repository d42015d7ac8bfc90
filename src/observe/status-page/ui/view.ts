import type { Advice, Figures, StatusReport, Verdict, Warning } from '../report.ts'
import { copyLine } from './copy.ts'
import { byId, element, fillList, fillRows, nameScrollers, setAttribute, setText } from './dom.ts'
import { bytes, count, duration, number, percent, rate, seconds } from './format.ts'

/** Writes a report into the page. */
export function show(report: StatusReport): void {
  const { figures, node } = report
  setText(byId('version'), `version ${report.version}, ${report.runtime}`)
  setText(byId('uptime'), `up for ${duration(report.uptimeSeconds)}`)
  document.title = `${count(figures.connections)} connections – bootstrap node`
  showVerdict(report)
  showCapacity(figures)
  fillList(byId('advice'), report.advice, adviceLine, fillAdvice)
  showTiles(figures)
  const code = (line: Element) => line.querySelector('code') ?? line
  fillList(byId('addresses'), node?.addresses ?? [], copyLine, (line, address) => {
    setText(code(line), address)
    setAttribute(line.querySelector('button') ?? line, 'aria-label', `Copy ${address}`)
  })
  showTables(report)
  byId('no-warnings').hidden = report.warnings.length > 0
  fillList(byId('warnings'), report.warnings, warningLine, fillWarning)
}

const verdictWords: Record<Verdict, string> = { act: 'Act', watch: 'Watch', good: 'Good', hint: 'Note' }

function showVerdict({ phase, reach, advice }: StatusReport): void {
  const worst = advice[0]?.verdict ?? 'good'
  const words = reach.ok ? 'Up, and it answers clients' : 'Up, but it does not answer clients'
  setText(byId('verdict'), phase === 'running' ? words : phase === 'starting' ? 'Starting' : 'Stopping')
  setAttribute(byId('verdict-box'), 'data-verdict', reach.ok ? worst : phase === 'running' ? 'down' : 'watch')
  setText(byId('reach'), reach.detail)
}

/** The node was asked and said nothing: what it said last is no verdict any more. */
export function showSilence(): void {
  setText(byId('verdict'), 'No answer from the node')
  setAttribute(byId('verdict-box'), 'data-verdict', 'down')
  setText(byId('reach'), '')
}

function showCapacity({ connections, lowWater, highWater, cap, inbound, outbound, bySecurity }: Figures): void {
  setText(byId('connections'), count(connections))
  const what = connections === 1 ? 'connection' : 'connections'
  // fewer files than high water needs: the cap is reached first
  const [room, mark] = cap < highWater ? [cap, 'the cap'] : [highWater, 'high water']
  setText(byId('connections-of'), `${what}, ${percent(connections / room)} of ${mark}`)
  setText(byId('low-water'), `low water ${count(lowWater)}`)
  setText(byId('high-water'), `high water ${count(highWater)}, cap ${count(cap)}`)
  const kinds = Object.entries(bySecurity).map(([name, many]) => `${count(many)} ${name}`)
  const directions = `${count(inbound)} inbound, ${count(outbound)} outbound`
  setText(byId('kinds'), `${directions}; ${kinds.join(', ')}`)
  const bar = byId('capacity')
  const share = (value: number) => String(cap === 0 ? 0 : Math.min(1, value / cap))
  bar.style.setProperty('--share', share(connections))
  bar.style.setProperty('--low', share(lowWater))
  bar.style.setProperty('--high', share(highWater))
}

function adviceLine(): HTMLElement {
  const line = element('li')
  line.append(element('span', 'tag'), element('span', 'what'), element('span', 'todo'))
  return line
}

function fillAdvice(line: Element, { verdict, what, todo }: Advice): void {
  const [tag, first, second] = line.children
  if (tag === undefined || first === undefined || second === undefined) return
  setText(tag, verdictWords[verdict])
  setAttribute(tag, 'data-verdict', verdict)
  setText(first, what)
  setText(second, todo)
}

function showTiles(figures: Figures): void {
  const handshakes = `p99 handshake ${seconds(figures.handshakeP99Seconds)}`
  const tiles: readonly (readonly [string, string, string])[] = [
    ['Joins', rate(figures.joinsPerSecond), handshakes],
    ['Leaves', rate(figures.leavesPerSecond), `${rate(figures.evictionsPerSecond)} to make room`],
    ['Refused', rate(figures.refusalsPerSecond), `${rate(figures.handshakeFailuresPerSecond)} failed handshakes`],
    [
      'Requests',
      rate(figures.rpcPerSecond),
      `p50 ${seconds(figures.rpcP50Seconds)}, p99 ${seconds(figures.rpcP99Seconds)}`
    ],
    [
      'Provider records',
      count(figures.providerRecords),
      `${count(figures.providerKeys)} keys, ${bytes(figures.providerBytes)}`
    ],
    ['Memory', bytes(figures.residentBytes), ofLimit(figures.residentBytes, figures.memoryLimitBytes)],
    ['Heap', bytes(figures.heapBytes), ofLimit(figures.heapBytes, figures.heapLimitBytes)],
    ['Open files', count(figures.openFiles), `of ${count(figures.openFilesLimit)}`],
    ['Event loop', seconds(figures.eventLoopDelaySeconds), 'late at p99'],
    ['CPU', percent(figures.cpuShare), 'of a core']
  ]
  fillList(byId('tiles'), tiles, tile, (node, texts) => {
    texts.forEach((text, i) => {
      const part = node.children[i]
      if (part !== undefined) setText(part, text)
    })
  })
}

function tile(): HTMLElement {
  const made = element('div')
  made.append(element('dt'), element('dd'), element('dd'))
  return made
}

function ofLimit(used: number, limit: number): string {
  return limit === 0 ? 'no limit known' : `${percent(used / limit)} of ${bytes(limit)}`
}

function showTables({ figures, node }: StatusReport): void {
  const { rpcs, connections, providerKeys } = figures
  const requests = rpcs.map(({ type, perSecond, failedPerSecond, p50Seconds, p99Seconds }) => [
    type,
    number(perSecond),
    number(failedPerSecond),
    seconds(p50Seconds),
    seconds(p99Seconds)
  ])
  fillRows(byId('rpcs'), requests, 'Nobody asked within the last minute.')
  const keys = node?.keys ?? []
  const shown =
    providerKeys > keys.length ? `The ${keys.length} of ${count(providerKeys)} keys with the most` : 'By key'
  setText(byId('keys-caption'), shown)
  const keyRows = keys.map(({ name, connected, away }) => [name, count(connected), count(away)])
  fillRows(byId('keys'), keyRows, 'Nobody provides a key.')
  for (const id of ['agents', 'prefixes'] as const) {
    const { top, others } = node?.[id] ?? { top: [], others: 0 }
    const all = others === 0 ? top : [...top, { name: 'all others', connections: others }]
    const rows = all.map((row) => [row.name, count(row.connections), percent(row.connections / connections)])
    fillRows(byId(id), rows, 'Nobody is connected.')
  }
  nameScrollers()
}

function warningLine(): HTMLElement {
  const line = element('li')
  line.append(element('time'), element('span', 'tag'), element('span', 'text'))
  return line
}

const moment = new Intl.DateTimeFormat('sv-SE', { dateStyle: 'short', timeStyle: 'medium' })

function fillWarning(line: Element, { atMs, level, text, times }: Warning): void {
  const [time, tag, said] = line.children
  if (time === undefined || tag === undefined || said === undefined) return
  setText(time, moment.format(atMs))
  setAttribute(time, 'datetime', new Date(atMs).toISOString())
  setText(tag, level)
  setAttribute(tag, 'data-verdict', level === 'warn' ? 'watch' : 'act')
  setText(said, times > 1 ? `${text} (${times} times)` : text)
}
