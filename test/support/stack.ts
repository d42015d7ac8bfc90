/** `CONNECTION_STACK=stock npm test` has every node of the tests that says nothing else run on that stack; default: the node's. */
export const stackOfTheRun: Readonly<Record<string, string>> =
  process.env.CONNECTION_STACK === undefined ? {} : { CONNECTION_STACK: process.env.CONNECTION_STACK }

export const onStock = stackOfTheRun.CONNECTION_STACK === 'stock'
