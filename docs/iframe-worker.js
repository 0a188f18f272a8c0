/* Search from a disk. Browsers start no Worker from file://, so there the script of the search runs in a hidden frame,
   and messages go to and fro as events. On a server this script does nothing. */
if (location.protocol === "file:") {
  window.Worker = class extends EventTarget {
    constructor(url) {
      super()
      const base = new URL(url, location)
      const frame = document.createElement("iframe")
      frame.hidden = true
      frame.title = "search"
      document.body.append(frame)
      const inside = frame.contentWindow
      const run = source => new Promise((done, failed) => {
        const script = inside.document.createElement("script")
        script.src = new URL(source, base)
        script.onload = done
        script.onerror = failed
        inside.document.body.append(script)
      })
      inside.postMessage = data => this.dispatchEvent(new MessageEvent("message", { data }))
      inside.importScripts = (...sources) => sources.reduce((before, source) => before.then(() => run(source)), Promise.resolve())
      this.frame = frame
      this.ready = run(base)
    }

    postMessage(data) {
      this.ready.then(() => this.frame.contentWindow.dispatchEvent(new MessageEvent("message", { data })))
    }

    terminate() {
      this.frame.remove()
    }
  }
}
