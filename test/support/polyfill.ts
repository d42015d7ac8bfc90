// the sources under test are imported one by one, without the process's or the package's first import
import '../../src/polyfill.ts'
