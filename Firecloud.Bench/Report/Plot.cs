using System.Globalization;
using System.Net;
using System.Text;

namespace Firecloud.Bench.Report;

/// <summary>A line of a plot.</summary>
/// <param name="Name">In the legend.</param>
/// <param name="Points">From left to right; all numbers above 0.</param>
internal sealed record Line(string Name, IReadOnlyList<(double X, double Y)> Points);

/// <summary>Lines over logarithmic axes, as SVG: factors are distances, so a line twice as high everywhere is the same step above.</summary>
internal sealed record Plot(string Title, string XName, string YName, IReadOnlyList<Line> Lines)
{
    private const int Width = 720;
    private const int Height = 380;
    private const int Left = 80;
    private const int Right = 250;
    private const int Top = 40;
    private const int Bottom = 50;

    // Told apart also by those who confuse red and green: Okabe and Ito, Color Universal Design.
    private static readonly string[] Colours = ["#0072B2", "#56B4E9", "#D55E00", "#E69F00", "#009E73", "#CC79A7", "#000000", "#999999"];

    /// <summary>The picture.</summary>
    /// <exception cref="InvalidOperationException">There is no point to draw.</exception>
    public string ToSvg()
    {
        var points = Lines.SelectMany(l => l.Points).ToList();
        if (points.Count == 0) throw new InvalidOperationException($"The plot '{Title}' has no points.");
        var x = new Axis(points.Min(p => p.X), points.Max(p => p.X), Left, Width - Right);
        var y = new Axis(points.Min(p => p.Y), points.Max(p => p.Y), Height - Bottom, Top);
        var svg = new StringBuilder();
        Add(svg, $"<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{Width}\" height=\"{Height}\" font-family=\"sans-serif\" font-size=\"12\">\n");
        Add(svg, $"<rect width=\"{Width}\" height=\"{Height}\" fill=\"white\"/>\n");
        Add(svg, $"<text x=\"{Left}\" y=\"22\" font-size=\"15\">{Escaped(Title)}</text>\n");
        foreach (var tick in x.Ticks())
        {
            Add(svg, $"<line x1=\"{x.At(tick):f1}\" y1=\"{Top}\" x2=\"{x.At(tick):f1}\" y2=\"{Height - Bottom}\" stroke=\"#ddd\"/>\n");
            Add(svg, $"<text x=\"{x.At(tick):f1}\" y=\"{Height - Bottom + 16}\" text-anchor=\"middle\">{Short(tick)}</text>\n");
        }
        foreach (var tick in y.Ticks())
        {
            Add(svg, $"<line x1=\"{Left}\" y1=\"{y.At(tick):f1}\" x2=\"{Width - Right}\" y2=\"{y.At(tick):f1}\" stroke=\"#ddd\"/>\n");
            Add(svg, $"<text x=\"{Left - 6}\" y=\"{y.At(tick) + 4:f1}\" text-anchor=\"end\">{Short(tick)}</text>\n");
        }
        Add(svg, $"<text x=\"{(Left + Width - Right) / 2}\" y=\"{Height - 12}\" text-anchor=\"middle\">{Escaped(XName)}</text>\n");
        Add(svg, $"<text transform=\"translate(18 {(Top + Height - Bottom) / 2}) rotate(-90)\" text-anchor=\"middle\">{Escaped(YName)}</text>\n");
        for (var i = 0; i < Lines.Count; i++) AddLine(svg, Lines[i], i, x, y);
        return svg.Append("</svg>\n").ToString();
    }

    private static void AddLine(StringBuilder svg, Line line, int index, Axis x, Axis y)
    {
        var colour = Colours[index % Colours.Length];
        var corners = string.Join(' ', line.Points.Select(p => string.Create(CultureInfo.InvariantCulture, $"{x.At(p.X):f1},{y.At(p.Y):f1}")));
        Add(svg, $"<polyline points=\"{corners}\" fill=\"none\" stroke=\"{colour}\" stroke-width=\"2\"/>\n");
        foreach (var (px, py) in line.Points) Add(svg, $"<circle cx=\"{x.At(px):f1}\" cy=\"{y.At(py):f1}\" r=\"3\" fill=\"{colour}\"/>\n");
        var at = Top + 10 + 20 * index;
        Add(svg, $"<line x1=\"{Width - Right + 14}\" y1=\"{at}\" x2=\"{Width - Right + 38}\" y2=\"{at}\" stroke=\"{colour}\" stroke-width=\"3\"/>\n");
        Add(svg, $"<text x=\"{Width - Right + 44}\" y=\"{at + 4}\">{Escaped(line.Name)}</text>\n");
    }

    private static string Short(double number) => number switch
    {
        >= 1e6 => string.Create(CultureInfo.InvariantCulture, $"{number / 1e6:0.##} M"),
        >= 1e3 => string.Create(CultureInfo.InvariantCulture, $"{number / 1e3:0.##} k"),
        _ => number.ToString("0.###", CultureInfo.InvariantCulture),
    };

    private static string Escaped(string text) => WebUtility.HtmlEncode(text);

    private static void Add(StringBuilder svg, FormattableString text) => svg.Append(text.ToString(CultureInfo.InvariantCulture));

    /// <summary>From the logarithm of a number to a place in the picture.</summary>
    private sealed class Axis
    {
        private const double Room = 0.04;

        private readonly double _low;
        private readonly double _high;
        private readonly double _from;
        private readonly double _to;

        public Axis(double least, double most, double from, double to)
        {
            (_from, _to) = (from, to);
            var (low, high) = (Math.Log10(least), Math.Log10(most));
            var room = Math.Max(0.1, Room * (high - low));
            (_low, _high) = (low - room, high + room);
        }

        public double At(double number) => _from + (Math.Log10(number) - _low) / (_high - _low) * (_to - _from);

        /// <summary>1, 2 and 5 of every power of ten; the powers alone where those would be too many.</summary>
        public IEnumerable<double> Ticks()
        {
            const double mostPowers = 3;
            double[] steps = _high - _low > mostPowers ? [1] : [1, 2, 5];
            for (var power = (int)Math.Floor(_low); power <= _high; power++)
            {
                foreach (var step in steps)
                {
                    var tick = step * Math.Pow(10, power);
                    if (Math.Log10(tick) >= _low && Math.Log10(tick) <= _high) yield return tick;
                }
            }
        }
    }
}
