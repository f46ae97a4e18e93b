// TimelineSvg.cs - one scenario as a picture: a band per client with the operations done in each tenth of a second, errors below them, and
// gaps marked; faults are shaded, and where a client did not have to be served its band is grey.
using System.Globalization;
using System.Security;
using System.Text;

namespace Firecloud.Tests.Lab;

/// <summary>Draws timelines.</summary>
internal static class TimelineSvg
{
    private const int Left = 60;
    private const int Width = 1000;
    private const int Band = 56;
    private const int Top = 74;
    private const long BucketUs = 100_000;
    private const long GapShownUs = 100_000;

    /// <summary>The picture of a result that still has its timeline.</summary>
    public static string Draw(ScenarioResult result)
    {
        var line = result.Timeline!;
        var clients = result.Clients.Count;
        var height = Top + clients * Band + 30;
        var svg = new Svg(line.EndUs);
        svg.Add($"<svg xmlns='http://www.w3.org/2000/svg' width='{Left + Width + 20}' height='{height}' font-family='sans-serif' font-size='11'>");
        svg.Add($"<rect width='100%' height='100%' fill='white'/><text x='8' y='18' font-size='14'>{SecurityElement.Escape($"{result.Scenario} ({result.Name}): {result.About}")}</text>");
        foreach (var span in line.Expectations.Sick) svg.Box(span, Top, clients * Band, "#fbe3c0");
        for (var client = 0; client < clients; client++) DrawClient(svg, line, client, result.Clients[client].Client);
        DrawFaults(svg, line, clients);
        for (var second = 0; second * 1_000_000L <= line.EndUs; second++)
        {
            svg.Add($"<text x='{svg.X(second * 1_000_000L)}' y='{Top + clients * Band + 14}' text-anchor='middle' fill='#555'>{second}</text>");
        }
        svg.Add($"<text x='{Left + Width}' y='{height - 4}' text-anchor='end' fill='#555'>seconds; bars: operations done per 0.1 s, red: refused or unknown, black line: gap over {GapShownUs / 1000} ms</text></svg>");
        return svg.ToString();
    }

    private static void DrawClient(Svg svg, Timeline line, int client, string name)
    {
        var (top, bottom) = (Top + client * Band, Top + (client + 1) * Band - 14);
        var own = line.Samples.Where(s => s.Client == client && s.ReturnUs >= 0).ToList();
        var served = line.Expectations.Of(client);
        foreach (var span in Missing(served, line.EndUs)) svg.Box(span, top, Band, "#cccccc", 0.5);
        var done = Buckets(own.Where(s => s.IsDone), line.EndUs);
        var wrong = Buckets(own.Where(s => !s.IsDone), line.EndUs);
        var most = Math.Max(1, done.Max());
        for (var i = 0; i < done.Length; i++)
        {
            if (done[i] > 0) svg.Bar(i, bottom, (Band - 20) * done[i] / (double)most, "#3a7d44");
            if (wrong[i] > 0) svg.Bar(i, bottom + 10, 8, "#c0392b");
        }
        var last = 0L;
        foreach (var time in own.Where(s => s.IsDone).Select(s => s.ReturnUs).Append(line.EndUs))
        {
            if (time - last >= GapShownUs) svg.Gap(last, time, bottom + 3);
            last = time;
        }
        svg.Add($"<line x1='{Left}' x2='{Left + Width}' y1='{bottom}' y2='{bottom}' stroke='#999'/><text x='{Left - 8}' y='{bottom}' text-anchor='end' font-size='13'>{name}</text>");
        svg.Add($"<text x='{Left - 8}' y='{bottom + 12}' text-anchor='end' fill='#777'>{most * 10}/s</text>");
    }

    private static void DrawFaults(Svg svg, Timeline line, int clients)
    {
        var row = 0;
        foreach (var group in line.Changes.GroupBy(c => c.BeginUs))
        {
            var text = string.Join("; ", group.Select(c => c.Fault.Text).Distinct());
            var x = svg.X(group.Key);
            svg.Add($"<line x1='{x}' x2='{x}' y1='{Top - 4}' y2='{Top + clients * Band}' stroke='#b9770e' stroke-dasharray='3,3'/>");
            svg.Add($"<text x='{x}' y='{34 + row % 3 * 13}' fill='#935116'>{SecurityElement.Escape(text)}</text>");
            row++;
        }
    }

    private static IEnumerable<Span> Missing(IReadOnlyList<Span> served, long endUs)
    {
        var last = 0L;
        foreach (var span in served.Where(s => s.ToUs > 0))
        {
            if (span.FromUs > last) yield return new Span(last, span.FromUs);
            last = span.ToUs;
        }
        if (last < endUs) yield return new Span(last, endUs);
    }

    private static int[] Buckets(IEnumerable<Sample> samples, long endUs)
    {
        var buckets = new int[endUs / BucketUs + 1];
        foreach (var sample in samples) buckets[Math.Min(buckets.Length - 1, sample.ReturnUs / BucketUs)]++;
        return buckets;
    }

    private sealed class Svg(long endUs)
    {
        private readonly StringBuilder _text = new();

        public void Add(FormattableString text) => _text.AppendLine(text.ToString(CultureInfo.InvariantCulture));

        public string X(long us) => (Left + Width * Math.Clamp(us, 0, endUs) / (double)endUs).ToString("0.0", CultureInfo.InvariantCulture);

        public void Box(Span span, int top, int height, string color, double opacity = 1) =>
            Add($"<rect x='{X(span.FromUs)}' y='{top}' width='{Math.Max(0.5, Width * (Math.Min(span.ToUs, endUs) - Math.Max(0, span.FromUs)) / (double)endUs):0.0}' height='{height}' fill='{color}' fill-opacity='{opacity}'/>");

        public void Bar(int bucket, int bottom, double height, string color) =>
            Add($"<rect x='{X(bucket * BucketUs)}' y='{bottom - height:0.0}' width='{Math.Max(1, Width * BucketUs / (double)endUs - 0.5):0.0}' height='{height:0.0}' fill='{color}'/>");

        public void Gap(long fromUs, long toUs, int y) =>
            Add($"<line x1='{X(fromUs)}' x2='{X(toUs)}' y1='{y}' y2='{y}' stroke='black' stroke-width='2'/>");

        public override string ToString() => _text.ToString();
    }
}
