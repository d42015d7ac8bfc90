let lastBytes = 0

/** RSS of the process. Node reads it from a file, and throws when none can be opened: then it is what it was before. */
export function residentBytes(read: () => number = process.memoryUsage.rss): number {
  try {
    lastBytes = read()
  } catch {
    // out of files
  }
  return lastBytes
}
