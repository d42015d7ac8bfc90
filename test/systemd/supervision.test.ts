import { expect, it } from 'vitest'
import { supervisionOf } from '../../src/systemd/supervision.ts'

const NOTIFY_SOCKET = '/run/systemd/notify'

it.each([
  [{}, undefined],
  [{ NOTIFY_SOCKET: '' }, undefined],
  [{ WATCHDOG_USEC: '30000000' }, undefined],
  [{ NOTIFY_SOCKET }, { watchdogMs: undefined }],
  [{ NOTIFY_SOCKET, WATCHDOG_USEC: '30000000' }, { watchdogMs: 30_000 }],
  [{ NOTIFY_SOCKET, WATCHDOG_USEC: '30000000', WATCHDOG_PID: '7' }, { watchdogMs: 30_000 }],
  // meant for a parent that started this process
  [{ NOTIFY_SOCKET, WATCHDOG_USEC: '30000000', WATCHDOG_PID: '8' }, { watchdogMs: undefined }],
  [{ NOTIFY_SOCKET, WATCHDOG_USEC: '0' }, { watchdogMs: undefined }],
  [{ NOTIFY_SOCKET, WATCHDOG_USEC: 'soon' }, { watchdogMs: undefined }]
])('%j means %j', (environment, expected) => {
  expect(supervisionOf(environment, 7)).toEqual(expected)
})
