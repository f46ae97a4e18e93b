using Firecloud.Client;

namespace Firecloud.Tests.Docs;

/// <summary>README.md's example: between the two marks it is the same text, and Processes/ServingTests runs it.</summary>
internal static class QuickStart
{
    public static async Task RunAsync(string[] nodes)
    {
        // README begins
        await using var store = await FirecloudClient.ConnectAsync(nodes);

        var version = (await store.PutAsync("greeting", "hello")).Result;   // Result throws if it was not done
        var entry = (await store.GetAsync("greeting")).Result;
        Console.WriteLine($"{entry?.Text}, version {version}");

        switch (await store.IncrementAsync("visits"))
        {
            case Done<long> visits: Console.WriteLine($"visit {visits.Value}"); break;
            case Refused<long> refused: Console.WriteLine($"not counted: {refused.Message}"); break;
            case Unknown<long> unknown: Console.WriteLine($"perhaps counted: {unknown.Message}"); break;
        }
        // README ends
    }
}
