/** One row of the comparison. */
export interface Figure {
  readonly id: string
  readonly label: string
  readonly unit: string
  readonly digits: number
  readonly better: 'lower' | 'higher'
}

/** Figures by id, from one run of a scenario. */
export type Measured = Readonly<Record<string, number>>

const lower = (id: string, label: string, unit: string, digits = 2): Figure => ({
  id,
  label,
  unit,
  digits,
  better: 'lower'
})
const higher = (id: string, label: string, unit: string, digits = 0): Figure => ({
  id,
  label,
  unit,
  digits,
  better: 'higher'
})

/** All rows, in the table's order. A row that was not measured is left out of it. */
export const figures: readonly Figure[] = [
  lower('listening', 'start until the port is open', 'ms', 0),
  lower('rssEmpty', 'RSS, empty', 'MB', 0),
  lower('joinTls', 'join, TLS, 2,000', 'ms CPU'),
  lower('join5000Tls', 'join, TLS, 5,000', 'ms CPU'),
  lower('joinNoise', 'join, Noise, 2,000', 'ms CPU'),
  lower('join5000Noise', 'join, Noise, 5,000', 'ms CPU'),
  lower('leaveTls', 'disconnect, TLS', 'ms CPU'),
  lower('leaveNoise', 'disconnect, Noise', 'ms CPU'),
  lower('rss500Tls', 'RSS a connection, TLS, 500', 'KB', 0),
  lower('rss2000Tls', 'RSS a connection, TLS, 2,000', 'KB', 0),
  lower('rss5000Tls', 'RSS a connection, TLS, 5,000', 'KB', 0),
  lower('rss5000Noise', 'RSS a connection, Noise, 5,000', 'KB', 0),
  lower('heap500Tls', 'heap a connection after GC, TLS, 500', 'KB', 1),
  lower('heap2000Tls', 'heap a connection after GC, TLS, 2,000', 'KB', 1),
  lower('heap5000Tls', 'heap a connection after GC, TLS, 5,000', 'KB', 1),
  lower('heap5000Noise', 'heap a connection after GC, Noise, 5,000', 'KB', 1),
  lower('idleTls', 'idle, 1,000 connections, TLS', '% of a core'),
  lower('idleNoise', 'idle, 1,000 connections, Noise', '% of a core'),
  lower('get27', 'GET_PROVIDERS, 27 providers', 'ms CPU', 3),
  higher('get27Rate', 'GET_PROVIDERS, 27 providers', 'answers/s'),
  lower('get160', 'GET_PROVIDERS, 160 providers', 'ms CPU', 3),
  higher('get160Rate', 'GET_PROVIDERS, 160 providers', 'answers/s'),
  lower('getP99', 'GET_PROVIDERS at 320/s, 99th percentile', 'ms', 1),
  lower('add', 'ADD_PROVIDER', 'ms CPU', 3),
  lower('findNode', 'FIND_NODE', 'ms CPU', 3),
  higher('findNodeRate', 'FIND_NODE', 'answers/s'),
  lower('burst', 'burst of 2,000: all joined after', 's', 1),
  lower('burstRefused', 'burst of 2,000: refused', 'peers', 0),
  lower('capMost', 'cap of 300, 400 dial: most at once', 'peers', 0),
  lower('capRefused', 'cap of 300, 400 dial: refused', 'peers', 0),
  lower('scale10First', 'join, first tenth of 10,000', 'ms CPU'),
  lower('scale10Last', 'join, last tenth of 10,000', 'ms CPU'),
  lower('scale15First', 'join, first tenth of 15,000', 'ms CPU'),
  lower('scale15Last', 'join, last tenth of 15,000', 'ms CPU')
]
