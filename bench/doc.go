// Package bench asks models questions and times the answers.
//
// A run goes through these steps:
//
//  1. A Plan is checked whole before anything loads; its errors name the field.
//  2. The machine is described and measured, and the stopwatch is calibrated against a model that
//     does nothing. All of it goes into the Manifest, with which the Sink begins the run.
//  3. Models are opened one after the other. Each is warmed up, then asked task by task.
//  4. A task's samples are made first. Its timed phase sends them as the load pattern says, stamps
//     every piece of every answer, and stores each Outcome unscored as soon as it is complete.
//  5. When the timed phase is over the outcomes are judged and stored again under their Keys.
//  6. The model is closed.
//
// Scoring is thereby never on the clock, and it can be done again without asking again. Nothing
// that went wrong in asking or judging becomes a wrong answer: it becomes Outcome.Err and the
// verdict tasks.Unscored.
//
// # Caveats
//
// Times are from the monotonic clock of this process, on the goroutine that called Generate:
// with several requests under way at once, a busy machine delays the stamps as well as the
// engine. Manifest.Clock says how long the harness itself takes, with the machine at rest.
package bench
