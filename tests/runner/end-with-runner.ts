// Loaded into each test file's process. The runner never writes to our standard input, and holds it open as long as it
// lives: so its end means that the runner was killed, and that nobody waits for this process group or ends it any more.
process.stdin.on('end', () => process.kill(-process.pid, 'SIGKILL'))
process.stdin.resume()
// It must not keep a file alive that has nothing left to do.
if ('unref' in process.stdin) process.stdin.unref()
