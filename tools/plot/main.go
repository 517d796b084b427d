// Plot draws the results of `make bench`: the time and the requests of the CLI against the number of repositories.
//
//	plot RESULTS SVG
package main

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"image/color"
	"io"
	"os"
	"slices"
	"strconv"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/font"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
	"gonum.org/v1/plot/vg/vgsvg"
)

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "plot:", err)
		os.Exit(1)
	}
}

func run(arguments []string) error {
	if len(arguments) != 2 {
		return errors.New("usage: plot RESULTS SVG")
	}
	content, err := os.ReadFile(arguments[0])
	if err != nil {
		return err
	}
	var measured results
	if err := json.Unmarshal(content, &measured); err != nil {
		return fmt.Errorf("%s: %w", arguments[0], err)
	}
	file, err := os.Create(arguments[1])
	if err != nil {
		return err
	}
	return errors.Join(drawTo(file, measured), file.Close())
}

// results are what test/benchmark/scale writes.
type results struct {
	CLI  string `json:"cli"`
	Rows []row  `json:"rows"`
}

type row struct {
	Subject       string  `json:"subject"`
	N             int     `json:"n"`
	LatencyMillis int     `json:"latency_ms"`
	Operation     string  `json:"operation"`
	Seconds       float64 `json:"seconds"`
	Requests      int     `json:"requests"`
}

const provider = "infrahub"

// drawTo draws the time of plans, and the requests of everything, side by side.
func drawTo(file io.Writer, measured results) error {
	slowest := 0
	for _, r := range measured.Rows {
		slowest = max(slowest, r.LatencyMillis)
	}
	times := newDiagram("Time of a plan ("+measured.CLI+")", "seconds")
	for _, latency := range latenciesOf(measured.Rows) {
		times.line(fmt.Sprintf("infrahub, server latency %d ms", latency), measured.points(provider, "plan", latency, row.seconds))
	}
	times.line("provider that asks no server", measured.points("serverless", "plan", 0, row.seconds))
	times.line("terraform_data", measured.points("terraform_data", "plan", 0, row.seconds))
	requests := newDiagram(fmt.Sprintf("Requests (server latency %d ms)", slowest), "requests")
	for _, operation := range []string{"bump of all", "create", "destroy", "plan", "plan without refresh"} {
		requests.line(operation, measured.points(provider, operation, slowest, row.requests))
	}
	if err := errors.Join(times.err, requests.err); err != nil {
		return err
	}
	times.plot.Y.Max *= 16 // room for the legends
	requests.plot.Y.Max *= 64
	const width, height = 11 * vg.Inch, 4 * vg.Inch
	canvas := vgsvg.New(width, height)
	tiles := draw.Tiles{Rows: 1, Cols: 2, PadX: vg.Millimeter * 6, PadTop: vg.Millimeter * 2, PadBottom: vg.Millimeter * 2, PadLeft: vg.Millimeter * 2, PadRight: vg.Millimeter * 4}
	diagrams := [][]*plot.Plot{{times.plot, requests.plot}}
	for i, part := range plot.Align(diagrams, tiles, draw.New(canvas))[0] {
		diagrams[0][i].Draw(part)
	}
	var drawn bytes.Buffer
	if _, err := canvas.WriteTo(&drawn); err != nil {
		return err
	}
	// A browser without this font would take one with serifs.
	_, err := file.Write(bytes.ReplaceAll(drawn.Bytes(), []byte("font-family:Liberation Sans"), []byte("font-family:Liberation Sans,Arial,Helvetica,sans-serif")))
	return err
}

// latenciesOf returns the latencies at which the provider was measured, the highest first.
func latenciesOf(rows []row) []int {
	var latencies []int
	for _, r := range rows {
		if r.Subject == provider && !slices.Contains(latencies, r.LatencyMillis) {
			latencies = append(latencies, r.LatencyMillis)
		}
	}
	slices.Sort(latencies)
	slices.Reverse(latencies)
	return latencies
}

func (r row) seconds() float64 { return r.Seconds }

func (r row) requests() float64 { return float64(r.Requests) }

// points returns a value of an operation for each number of repositories.
func (r results) points(subject, operation string, latency int, value func(row) float64) plotter.XYs {
	var points plotter.XYs
	for _, measured := range r.Rows {
		if measured.Subject == subject && measured.Operation == operation && measured.LatencyMillis == latency {
			points = append(points, plotter.XY{X: float64(measured.N), Y: value(measured)})
		}
	}
	slices.SortFunc(points, func(a, b plotter.XY) int { return cmp.Compare(a.X, b.X) })
	return points
}

// diagram has the number of repositories on a logarithmic axis, and a value on another one.
type diagram struct {
	plot  *plot.Plot
	lines int
	err   error
}

func newDiagram(title, unit string) *diagram {
	plot.DefaultFont = font.Font{Typeface: "Liberation", Variant: "Sans"}
	p := plot.New()
	p.BackgroundColor = color.White
	p.Title.Text, p.X.Label.Text, p.Y.Label.Text = title, "repositories", unit
	p.X.Scale, p.Y.Scale = plot.LogScale{}, plot.LogScale{}
	p.X.Tick.Marker, p.Y.Tick.Marker = powers{}, powers{}
	p.Legend.Top, p.Legend.Left, p.Legend.Padding, p.Legend.YOffs = true, true, vg.Points(3), -vg.Points(3)
	p.Add(plotter.NewGrid())
	return &diagram{plot: p}
}

// line adds a line, unless it has no points.
func (d *diagram) line(name string, points plotter.XYs) {
	if len(points) == 0 {
		return
	}
	line, marks, err := plotter.NewLinePoints(points)
	if err != nil {
		d.err = errors.Join(d.err, fmt.Errorf("%s: %w", name, err))
		return
	}
	colors := []color.RGBA{{R: 0xd5, G: 0x5e, A: 0xff}, {R: 0xe6, G: 0x9f, A: 0xff}, {G: 0x72, B: 0xb2, A: 0xff}, {G: 0x9e, B: 0x73, A: 0xff}, {R: 0x66, G: 0x66, B: 0x66, A: 0xff}}
	line.Color = colors[d.lines%len(colors)]
	line.Width, marks.Color, marks.Shape = vg.Points(1.5), line.Color, draw.CircleGlyph{}
	d.lines++
	d.plot.Add(line, marks)
	d.plot.Legend.Add(name, line, marks)
}

// powers marks the powers of ten, with labels that need no exponent.
type powers struct{}

// Ticks implements plot.Ticker.
func (powers) Ticks(least, most float64) []plot.Tick {
	var ticks []plot.Tick
	for _, tick := range (plot.LogTicks{Prec: -1}).Ticks(least, most) {
		if tick.Label != "" {
			tick.Label = strconv.FormatFloat(tick.Value, 'f', -1, 64)
		}
		ticks = append(ticks, tick)
	}
	return ticks
}
